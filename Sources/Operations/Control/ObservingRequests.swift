package import Clocks
package import JSON
package import Jobs

/// `holds`: why the worker or an account stands still.
package struct HoldsRequest: OperatorRequest {
    package static let name = RequestName.holds

    /// Only those of the workers of that name. Nil: this worker's, and what holds others of them alone.
    package let instance: String?

    package init(instance: String? = nil) {
        self.instance = instance
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        instance = try members.optional("instance", members.text)
    }

    package var json: JSONValue { .object(of: ["instance": instance.map(JSONValue.text)]) }

    package struct Answer: ControlValue {
        /// The worker's.
        package let holds: [DaemonStatus.Hold]
        package let accounts: [Account]
        /// Other workers that share the ledger; nil where nobody does, and from a daemon that does not know them yet.
        package let members: [Member]?

        package init(holds: [DaemonStatus.Hold], accounts: [Account], members: [Member]? = nil) {
            self.holds = holds
            self.accounts = accounts
            self.members = members
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            holds = try members.list("holds")
            accounts = try members.list("accounts")
            self.members = try members.optional("members", members.list)
        }

        package var json: JSONValue {
            .object(of: [
                "holds": .list(holds), "accounts": .list(accounts), "members": members.map { JSONValue.list($0) },
            ])
        }
    }

    /// Why another worker stands still, as it said itself a few seconds ago.
    package struct Member: Equatable, ControlValue {
        package let name: String
        package let epoch: Int
        /// Causes.
        package let holds: [String]

        package init(name: String, epoch: Int, holds: [String]) {
            self.name = name
            self.epoch = epoch
            self.holds = holds
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            self.init(
                name: try members.text("name"), epoch: try members.count("epoch"), holds: try members.texts("holds"))
        }

        package var json: JSONValue {
            .object(of: [
                "name": .text(name), "epoch": .count(epoch), "holds": .array(holds.map(JSONValue.text)),
            ])
        }
    }

    /// An account that waits alone.
    package struct Account: ControlValue {
        package let account: AccountID
        /// `quota_minute`, `operator_paused`, …
        package let cause: String
        /// Nil for a pause, and while its calls are tried.
        package let until: Timestamp?
        /// What the API said last, for people; no secrets.
        package let detail: String?

        package init(account: AccountID, cause: String, until: Timestamp?, detail: String?) {
            self.account = account
            self.cause = cause
            self.until = until
            self.detail = detail
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            account = try members.account()
            cause = try members.text("cause")
            until = try members.optional("until", members.time)
            detail = try members.optional("detail", members.text)
        }

        package var json: JSONValue {
            .object(of: [
                "account": .id(account), "cause": .text(cause), "until": until.map(JSONValue.time),
                "detail": detail.map(JSONValue.text),
            ])
        }
    }
}

extension DaemonStatus.Hold: ControlValue {
    /// `redrive` follows from `ended`, and is there with it.
    package init(json: JSONValue) throws(ControlFormatError) {
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
package struct QuotaRequest: ArgumentlessRequest {
    package static let name = RequestName.quota

    package init() {}

    package struct Answer: ControlValue {
        /// `2026-11-23` in the service's zone.
        package let day: String
        package let calls: Int
        package let albumQueries: Int
        /// 0: none.
        package let limit: Int
        package let resetsAt: Timestamp
        /// `even`, `asap`.
        package let pace: String
        /// Jobs between their publisher and their result. Nil if the broker does not answer.
        package let backlog: Int?
        /// When the backlog will be done, as far as that is known.
        package let doneAt: Timestamp?

        package init(
            day: String, calls: Int, albumQueries: Int, limit: Int, resetsAt: Timestamp, pace: String, backlog: Int?,
            doneAt: Timestamp?
        ) {
            self.day = day
            self.calls = calls
            self.albumQueries = albumQueries
            self.limit = limit
            self.resetsAt = resetsAt
            self.pace = pace
            self.backlog = backlog
            self.doneAt = doneAt
        }

        /// Nil if there is no limit.
        package var remaining: Int? { limit > 0 ? max(0, limit - calls - albumQueries) : nil }

        /// `remaining` follows from the others.
        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            day = try members.text("day")
            calls = try members.count("calls")
            albumQueries = try members.count("probes")
            limit = try members.count("limit")
            resetsAt = try members.time("resetsAt")
            pace = try members.text("pace")
            backlog = try members.optional("backlog", members.count)
            doneAt = try members.optional("doneAt", members.time)
        }

        package var json: JSONValue {
            .object(of: [
                "day": .text(day), "calls": .count(calls), "probes": .count(albumQueries), "limit": .count(limit),
                "resetsAt": .time(resetsAt), "pace": .text(pace), "remaining": remaining.map(JSONValue.count),
                "backlog": backlog.map(JSONValue.count), "doneAt": doneAt.map(JSONValue.time),
            ])
        }
    }
}

/// `queues`: how much waits in each queue of the topology.
package struct QueuesRequest: ArgumentlessRequest {
    package static let name = RequestName.queues

    package init() {}

    package struct Answer: ControlValue {
        package let queues: [DaemonStatus.Queue]

        package init(queues: [DaemonStatus.Queue]) {
            self.queues = queues
        }

        package init(json: JSONValue) throws(ControlFormatError) { queues = try ControlMembers(json).list("queues") }

        package var json: JSONValue { .object(of: ["queues": .list(queues)]) }
    }
}

extension DaemonStatus.Queue: ControlValue {
    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        self.init(
            name: try members.text("name"), messages: try members.optional("messages", members.count),
            consumers: try members.optional("consumers", members.count))
    }
}
