public import JSON
public import Jobs
public import Telemetry
public import Threads

/// `holds`: why the worker or an account stands still.
public struct HoldsRequest: ArgumentlessRequest {
    public static let name = RequestName.holds

    public init() {}

    public struct Answer: ControlValue {
        /// The worker's.
        public let holds: [DaemonStatus.Hold]
        public let accounts: [Account]

        public init(holds: [DaemonStatus.Hold], accounts: [Account]) {
            self.holds = holds
            self.accounts = accounts
        }

        public init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            holds = try members.list("holds")
            accounts = try members.list("accounts")
        }

        public var json: JSONValue { .object(of: ["holds": .list(holds), "accounts": .list(accounts)]) }
    }

    /// An account that waits alone.
    public struct Account: ControlValue {
        public let account: AccountID
        /// `quota_minute`, `operator_paused`, …
        public let cause: String
        /// Nil for a pause, and while its calls are tried.
        public let until: Timestamp?
        /// What the API said last, for people; no secrets.
        public let detail: String?

        public init(account: AccountID, cause: String, until: Timestamp?, detail: String?) {
            self.account = account
            self.cause = cause
            self.until = until
            self.detail = detail
        }

        public init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            account = try members.account()
            cause = try members.text("cause")
            until = try members.optional("until", members.time)
            detail = try members.optional("detail", members.text)
        }

        public var json: JSONValue {
            .object(of: [
                "account": .id(account), "cause": .text(cause), "until": until.map(JSONValue.time),
                "detail": detail.map(JSONValue.text),
            ])
        }
    }
}

extension DaemonStatus.Hold: ControlValue {
    /// `redrive` follows from `ended`, and is there with it.
    public init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        let hasRedrive = try members.optional("redrive", members.text) != nil
        self.init(
            cause: try members.text("cause"), since: try members.time("since"),
            nextProbeAt: try members.optional("nextProbeAt", members.time), detail: try members.text("detail"),
            tried: try members.optional("tried", members.count),
            ended: try hasRedrive ? members.texts("ended") : members.optional("ended", members.texts) ?? [])
    }
}

/// `quota`: the day's calls, and when the backlog will be done.
public struct QuotaRequest: ArgumentlessRequest {
    public static let name = RequestName.quota

    public init() {}

    public struct Answer: ControlValue {
        /// `2026-11-23` in the service's zone.
        public let day: String
        public let calls: Int
        public let probes: Int
        /// 0: none.
        public let limit: Int
        public let resetsAt: Timestamp
        /// `even`, `asap`.
        public let pace: String
        /// Jobs between their publisher and their result. Nil if the broker does not answer.
        public let backlog: Int?
        /// When the backlog will be done, as far as that is known.
        public let doneAt: Timestamp?

        public init(
            day: String, calls: Int, probes: Int, limit: Int, resetsAt: Timestamp, pace: String, backlog: Int?,
            doneAt: Timestamp?
        ) {
            self.day = day
            self.calls = calls
            self.probes = probes
            self.limit = limit
            self.resetsAt = resetsAt
            self.pace = pace
            self.backlog = backlog
            self.doneAt = doneAt
        }

        /// Nil if there is no limit.
        public var remaining: Int? { limit > 0 ? max(0, limit - calls - probes) : nil }

        /// `remaining` follows from the others.
        public init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            day = try members.text("day")
            calls = try members.count("calls")
            probes = try members.count("probes")
            limit = try members.count("limit")
            resetsAt = try members.time("resetsAt")
            pace = try members.text("pace")
            backlog = try members.optional("backlog", members.count)
            doneAt = try members.optional("doneAt", members.time)
        }

        public var json: JSONValue {
            .object(of: [
                "day": .text(day), "calls": .count(calls), "probes": .count(probes), "limit": .count(limit),
                "resetsAt": .time(resetsAt), "pace": .text(pace), "remaining": remaining.map(JSONValue.count),
                "backlog": backlog.map(JSONValue.count), "doneAt": doneAt.map(JSONValue.time),
            ])
        }
    }
}

/// `queues`: how much waits in each queue of the topology.
public struct QueuesRequest: ArgumentlessRequest {
    public static let name = RequestName.queues

    public init() {}

    public struct Answer: ControlValue {
        public let queues: [DaemonStatus.Queue]

        public init(queues: [DaemonStatus.Queue]) {
            self.queues = queues
        }

        public init(json: JSONValue) throws(ControlFormatError) { queues = try ControlMembers(json).list("queues") }

        public var json: JSONValue { .object(of: ["queues": .list(queues)]) }
    }
}

extension DaemonStatus.Queue: ControlValue {
    public init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        self.init(
            name: try members.text("name"), messages: try members.optional("messages", members.count),
            consumers: try members.optional("consumers", members.count))
    }
}
