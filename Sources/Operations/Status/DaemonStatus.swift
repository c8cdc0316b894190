package import Clocks
package import Ledger
import Telemetry

/// What a running daemon says of itself, at one moment. Words and numbers only, so that whoever shows it needs no
/// other module.
package struct DaemonStatus: Equatable, Sendable {
    /// Why the worker stands still.
    package struct Hold: Equatable, Sendable {
        package var cause: String
        package var since: Timestamp
        /// When jobs try again; past while they do. Nil for a hold that ends when its cause does.
        package var nextProbeAt: Timestamp?
        /// For people; no secrets.
        package var detail: String
        /// Jobs that have tested it in vain; nil for a hold that none tests.
        package var tried: Int?
        /// Jobs that ended for the same refusal since the last success, before it was known to be everybody's.
        package var ended: [String]

        package init(
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
        package var redrive: String? {
            ended.isEmpty ? nil : "leave-albumd dead redrive" + ended.map { " --job=\($0)" }.joined()
        }
    }

    /// One connection to the broker.
    package struct Link: Equatable, Sendable {
        /// `consume`, `publish`.
        package var name: String
        package var endpoint: String
        package var isConnected: Bool
        package var isBlocked: Bool
        package var reconnects: Int
        package var unconfirmed: Int
        package var staleSettlements: Int
        package var abandonedDeliveries: Int

        package init(
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
    package struct Quota: Equatable, Sendable {
        /// `2026-11-23` in the service's zone.
        package var day: String
        package var spent: Int
        /// 0: no limit.
        package var limit: Int
        package var resetsAt: Timestamp
        /// When the backlog will be done, as far as that is known.
        package var doneAt: Timestamp?

        package init(day: String, spent: Int, limit: Int, resetsAt: Timestamp, doneAt: Timestamp? = nil) {
            self.day = day
            self.spent = spent
            self.limit = limit
            self.resetsAt = resetsAt
            self.doneAt = doneAt
        }

        /// Nil if there is no limit.
        package var remaining: Int? { limit > 0 ? max(0, limit - spent) : nil }
    }

    package struct Ledger: Equatable, Sendable {
        /// `sqlite`, `postgresql`.
        package var kind: String
        /// A file's path, or a host and a database.
        package var place: String
        /// Who this daemon is among those that share the ledger.
        package var member: MemberIdentity?
        /// In which others of them differ from this one: key and daemon, for people.
        package var differingSettings: [String]
        package var entries: Int
        package var open: Int
        package var ambiguous: Int
        /// Of the ambiguous ones, those of which no more is in doubt than a call that is on its way.
        package var calling: Int
        package var unpublished: Int
        package var overdue: Int
        package var bytes: Int
        /// Nil where nobody can say.
        package var diskFreeBytes: Int?
        package var lastBackupAt: Timestamp?
        /// `entries`, `open`, `ambiguous` and `calling` are about so many.
        package var isEstimated: Bool

        package init(
            kind: String, place: String, member: MemberIdentity? = nil, differingSettings: [String] = [], entries: Int,
            open: Int, ambiguous: Int, calling: Int = 0, unpublished: Int, overdue: Int, bytes: Int,
            diskFreeBytes: Int?,
            lastBackupAt: Timestamp?, isEstimated: Bool = false
        ) {
            self.kind = kind
            self.place = place
            self.member = member
            self.differingSettings = differingSettings
            self.entries = entries
            self.open = open
            self.ambiguous = ambiguous
            self.calling = calling
            self.unpublished = unpublished
            self.overdue = overdue
            self.bytes = bytes
            self.diskFreeBytes = diskFreeBytes
            self.lastBackupAt = lastBackupAt
            self.isEstimated = isEstimated
        }
    }

    /// Jobs that ended since the daemon started, by outcome.
    package struct Ended: Equatable, Sendable {
        package var outcome: String
        package var count: Int

        package init(outcome: String, count: Int) {
            self.outcome = outcome
            self.count = count
        }
    }

    package var version: String
    package var pid: Int
    package var startedAt: Timestamp
    /// When this was so.
    package var at: Timestamp
    /// `consuming`, `standby`, `connecting`, `hold:<cause>`, `draining`.
    package var state: String
    /// Since when the state is what it is.
    package var since: Timestamp
    /// What a daemon that connects or stands by waits for; for people, no secrets.
    package var problem: String?
    /// Deliveries in flight.
    package var inFlight: Int
    package var callsInFlight: Int
    package var ended: [Ended]
    /// Jobs that ended, a minute, over the last minute and the last fifteen.
    package var perMinute: Double
    package var perMinuteOfFifteen: Double
    package var holds: [Hold]
    package var quota: Quota?
    package var links: [Link]
    /// Nil while the ledger cannot answer.
    package var ledger: Ledger?
    /// Of the jobs in flight; nil if it has none.
    package var oldestJobAge: Duration?
    /// Nil until the broker was asked.
    package var queues: [Queue]?
    /// When the broker was asked.
    package var queuesAt: Timestamp?
    /// Since the daemon started, by reason.
    package var deadLetters: [DeadLetters] = []
    /// The last ones, newest first.
    package var failures: [Failure] = []
    package var history: History?
    package var loops: [Loop] = []
    package var settings: LoadedSettings?
    /// The daemons that share the ledger, oldest first; nil if it is not shared, or cannot be asked.
    package var members: [Member]?

    package init(
        version: String, pid: Int, startedAt: Timestamp, at: Timestamp, state: String, since: Timestamp,
        problem: String? = nil, inFlight: Int = 0, callsInFlight: Int = 0, ended: [Ended] = [], perMinute: Double = 0,
        perMinuteOfFifteen: Double = 0, holds: [Hold] = [], quota: Quota? = nil, links: [Link] = [],
        ledger: Ledger? = nil
    ) {
        self.version = version
        self.pid = pid
        self.startedAt = startedAt
        self.at = at
        self.state = state
        self.since = since
        self.problem = problem
        self.inFlight = inFlight
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
