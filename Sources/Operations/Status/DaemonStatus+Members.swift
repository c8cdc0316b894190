package import Clocks
package import JSON
package import Ledger

extension DaemonStatus {
    /// One of the daemons that share the ledger.
    ///
    /// | member | |
    /// |---|---|
    /// | `name`, `epoch`, `version` | of this start of it |
    /// | `state` | `working`, `draining`, `gone`, `dead` |
    /// | `startedAt`, `seenAt`, `lagMs` | by the database's clock; how long ago it was heard of last |
    /// | `paused`? | true where an operator has paused all that bear the name; then it is also `member_paused` in `holds` |
    /// | `schema`?, `schemaFrom`? | the newest version of the database's schema that its program knows, and the oldest that it works with |
    /// | `settings` | the same of members whose settings agree in what they should agree in |
    /// | `report`? | what it says of itself: `worker`, `inHand`, `callsInFlight`, `perMinute`, `holds` |
    package struct Member: Equatable, Sendable {
        package var name: String
        package var epoch: Int
        package var version: String
        package var state: ClusterMember.State
        package var startedAt: Timestamp
        package var seenAt: Timestamp
        package var lag: Duration
        package var settings: String
        /// Nil where the daemon that was asked does not say it.
        package var schema: ClosedRange<Int>?
        /// Nil if it has not said anything, or a newer version of it says other things.
        package var report: MemberReport?
        package var isPaused: Bool

        package init(
            name: String, epoch: Int, version: String, state: ClusterMember.State, startedAt: Timestamp,
            seenAt: Timestamp, lag: Duration = .zero, settings: String = "", schema: ClosedRange<Int>? = nil,
            report: MemberReport? = nil, isPaused: Bool = false
        ) {
            self.name = name
            self.epoch = epoch
            self.version = version
            self.state = state
            self.startedAt = startedAt
            self.seenAt = seenAt
            self.lag = lag
            self.settings = settings
            self.schema = schema
            self.report = report
            self.isPaused = isPaused
        }

        package init(_ member: ClusterMember) {
            self.init(
                name: member.name, epoch: member.epoch, version: member.version, state: member.state,
                startedAt: member.started, seenAt: member.seen, lag: member.lag, settings: member.settings,
                schema: member.schema,
                report: (try? JSONValue.parse(Array(member.report.utf8))).flatMap { try? MemberReport(json: $0) },
                isPaused: member.isPaused)
        }
    }

    /// What a daemon tells the others of itself, every few seconds.
    package struct MemberReport: Equatable, Sendable {
        /// The word of its `/readyz`.
        package var worker: String
        package var inFlight: Int
        package var callsInFlight: Int
        package var perMinute: Double
        /// The causes of its holds.
        package var holds: [String]

        package init(worker: String, inFlight: Int, callsInFlight: Int, perMinute: Double, holds: [String]) {
            self.worker = worker
            self.inFlight = inFlight
            self.callsInFlight = callsInFlight
            self.perMinute = perMinute
            self.holds = holds
        }
    }
}

extension DaemonStatus.MemberReport: ControlValue {
    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        self.init(
            worker: try members.text("worker"), inFlight: try members.count("inHand"),
            callsInFlight: try members.count("callsInFlight"), perMinute: try members.number("perMinute"),
            holds: try members.texts("holds"))
    }

    package var json: JSONValue {
        .object(of: [
            "worker": .text(worker), "inHand": .count(inFlight), "callsInFlight": .count(callsInFlight),
            "perMinute": .real(perMinute), "holds": .array(holds.map(JSONValue.text)),
        ])
    }
}

extension DaemonStatus.Member: ControlValue {
    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        self.init(
            name: try members.text("name"), epoch: try members.count("epoch"), version: try members.text("version"),
            state: try members.word("state"), startedAt: try members.time("startedAt"),
            seenAt: try members.time("seenAt"), lag: .milliseconds(try members.count("lagMs")),
            settings: try members.text("settings"), schema: try Self.schema(members),
            report: try members.optional("report", members.part),
            isPaused: try members.optional("paused", members.bool) ?? false)
    }

    private static func schema(_ members: ControlMembers) throws(ControlFormatError) -> ClosedRange<Int>? {
        let (newest, oldest) = (
            try members.optional("schema", members.count), try members.optional("schemaFrom", members.count)
        )
        guard newest != nil || oldest != nil else { return nil }
        guard let newest, let oldest else { throw ControlFormatError("schema is one number of two") }
        return min(oldest, newest)...newest
    }

    package var json: JSONValue {
        .object(of: [
            "name": .text(name), "epoch": .count(epoch), "version": .text(version), "state": .word(state),
            "startedAt": .time(startedAt), "seenAt": .time(seenAt), "lagMs": .integer(lag.milliseconds),
            "settings": .text(settings), "schema": schema.map { .count($0.upperBound) },
            "schemaFrom": schema.map { .count($0.lowerBound) }, "report": report?.json,
            "paused": isPaused ? .bool(true) : nil,
        ])
    }
}
