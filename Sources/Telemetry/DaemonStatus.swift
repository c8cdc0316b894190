public import Threads

/// What a running daemon says of itself, at one moment. Words and numbers only, so that whoever shows it needs no
/// other room.
public struct DaemonStatus: Equatable, Sendable {
    /// Why the worker stands still.
    public struct Hold: Equatable, Sendable {
        public var cause: String
        public var since: Timestamp
        /// When jobs try again; past while they do. Nil for a hold that ends when its cause does.
        public var nextProbeAt: Timestamp?
        /// For people; no secrets.
        public var detail: String
        /// Jobs that have tested it in vain; nil for a hold that none tests.
        public var tried: Int?
        /// Jobs that ended for the same refusal since the last success, before it was known to be everybody's.
        public var ended: [String]

        public init(
            cause: String, since: Timestamp, nextProbeAt: Timestamp?, detail: String, tried: Int? = nil,
            ended: [String] = []
        ) {
            self.cause = cause
            self.since = since
            self.nextProbeAt = nextProbeAt
            self.detail = detail
            self.tried = tried
            self.ended = ended
        }

        /// The command that gives the jobs out again that had ended; nil if none had. A job's id has no character that
        /// means anything to a shell, and may begin with a hyphen.
        public var redrive: String? {
            ended.isEmpty ? nil : "leave-albumd dead redrive" + ended.map { " --job=\($0)" }.joined()
        }
    }

    /// One connection to the broker.
    public struct Link: Equatable, Sendable {
        /// `consume`, `publish`.
        public var name: String
        public var endpoint: String
        public var isConnected: Bool
        public var isBlocked: Bool
        public var reconnects: Int
        public var unconfirmed: Int
        public var staleSettlements: Int
        public var abandonedDeliveries: Int

        public init(
            name: String, endpoint: String, isConnected: Bool, isBlocked: Bool = false, reconnects: Int = 0,
            unconfirmed: Int = 0, staleSettlements: Int = 0, abandonedDeliveries: Int = 0
        ) {
            self.name = name
            self.endpoint = endpoint
            self.isConnected = isConnected
            self.isBlocked = isBlocked
            self.reconnects = reconnects
            self.unconfirmed = unconfirmed
            self.staleSettlements = staleSettlements
            self.abandonedDeliveries = abandonedDeliveries
        }
    }

    /// This daemon's share of the day's calls.
    public struct Quota: Equatable, Sendable {
        /// `2026-11-23` in the service's zone.
        public var day: String
        public var spent: Int
        /// 0: no limit.
        public var limit: Int
        public var resetsAt: Timestamp
        /// When the backlog will be done, as far as that is known.
        public var doneAt: Timestamp?

        public init(day: String, spent: Int, limit: Int, resetsAt: Timestamp, doneAt: Timestamp? = nil) {
            self.day = day
            self.spent = spent
            self.limit = limit
            self.resetsAt = resetsAt
            self.doneAt = doneAt
        }

        /// Nil if there is no limit.
        public var remaining: Int? { limit > 0 ? max(0, limit - spent) : nil }
    }

    public struct Ledger: Equatable, Sendable {
        public var path: String
        public var entries: Int
        public var open: Int
        public var ambiguous: Int
        public var unpublished: Int
        public var overdue: Int
        public var bytes: Int
        public var diskFreeBytes: Int
        public var lastBackupAt: Timestamp?

        public init(
            path: String, entries: Int, open: Int, ambiguous: Int, unpublished: Int, overdue: Int, bytes: Int,
            diskFreeBytes: Int, lastBackupAt: Timestamp?
        ) {
            self.path = path
            self.entries = entries
            self.open = open
            self.ambiguous = ambiguous
            self.unpublished = unpublished
            self.overdue = overdue
            self.bytes = bytes
            self.diskFreeBytes = diskFreeBytes
            self.lastBackupAt = lastBackupAt
        }
    }

    /// Jobs that ended since the daemon started, by outcome.
    public struct Ended: Equatable, Sendable {
        public var outcome: String
        public var count: Int

        public init(outcome: String, count: Int) {
            self.outcome = outcome
            self.count = count
        }
    }

    public var version: String
    public var pid: Int
    public var startedAt: Timestamp
    /// When this was so.
    public var at: Timestamp
    /// `consuming`, `standby`, `connecting`, `hold:<cause>`, `draining`.
    public var state: String
    /// Since when the state is what it is.
    public var since: Timestamp
    /// What a daemon that connects or stands by waits for; for people, no secrets.
    public var trouble: String?
    /// Deliveries in the worker's hands.
    public var inHand: Int
    public var callsInFlight: Int
    public var ended: [Ended]
    /// Jobs that ended, a minute, over the last minute and the last fifteen.
    public var perMinute: Double
    public var perMinuteOfFifteen: Double
    public var holds: [Hold]
    public var quota: Quota?
    public var links: [Link]
    /// Nil while the ledger cannot answer.
    public var ledger: Ledger?
    /// Of the jobs in the worker's hands; nil if it has none.
    public var oldestJobAge: Duration?
    /// Nil until the broker was asked.
    public var queues: [Queue]?
    /// When the broker was asked.
    public var queuesAt: Timestamp?
    /// Since the daemon started, by reason.
    public var deadLetters: [DeadLetters] = []
    /// The last ones, newest first.
    public var failures: [Failure] = []
    public var history: History?
    public var loops: [Loop] = []
    public var settings: LoadedSettings?

    public init(
        version: String, pid: Int, startedAt: Timestamp, at: Timestamp, state: String, since: Timestamp,
        trouble: String? = nil, inHand: Int = 0, callsInFlight: Int = 0, ended: [Ended] = [], perMinute: Double = 0,
        perMinuteOfFifteen: Double = 0, holds: [Hold] = [], quota: Quota? = nil, links: [Link] = [],
        ledger: Ledger? = nil
    ) {
        self.version = version
        self.pid = pid
        self.startedAt = startedAt
        self.at = at
        self.state = state
        self.since = since
        self.trouble = trouble
        self.inHand = inHand
        self.callsInFlight = callsInFlight
        self.ended = ended
        self.perMinute = perMinute
        self.perMinuteOfFifteen = perMinuteOfFifteen
        self.holds = holds
        self.quota = quota
        self.links = links
        self.ledger = ledger
    }
}
