import Clocks
import JSON
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger

/// Two builds share one row: what a newer one has written, and this one does not know, outlives each write of this one.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct UnknownMembersTests {
    /// A state of which each part has members, and some parts an element, that this program knows nothing of.
    private static let stored = #"""
        {"duties":[{"duty":"sweep","member":2,"new":1,"until":9000000000000},{"duty":"audit","member":2,"until":5}],
        "consuming":[{"member":1,"new":{"a":[1.5]},"since":3},{"member":8,"new":2,"since":3}],
        "evidence":[{"account":[97],"cause":"api_disabled","job":[106],"new":3,"threshold":5},
        {"account":[97],"cause":"api_unavailable","job":[106],"new":4,"unsent":false},
        {"account":[97],"cause":"api_unavailable","job":[106],"new":5,"unsent":false},
        {"account":[98],"cause":"api_haunted","job":[107],"threshold":5}],
        "extra":false,"fence":4,"first":{"member":2,"new":6,"until":9000000000000},
        "holds":[{"cause":"api_retired","detail":"d","member":1,"new":7,"probe":1000,"refused":0,"round":2,"since":500,
        "threshold":null},{"cause":"haunted","detail":"d","member":1,"since":500}],
        "met":[{"at":5,"cause":"tls_trust","member":2,"new":8},{"at":5,"cause":"haunted","member":2}],
        "newer":{"all":[null,true,"ü"]},"parts":[{"member":1,"new":9,"of":2}],"paused":[[97,255]],
        "pausedMembers":[{"detail":"d","name":"b","new":10,"since":3}],
        "turn":{"fence":4,"member":1,"new":11,"until":9000000000000},"withoutParts":[3]}
        """#

    private static let all: [ClusterChange] = {
        let account = AccountID("c")
        var probed = SharedHold(
            cause: .projectBlocked, since: Timestamp(milliseconds: 700), member: 1, detail: "h")
        probed.nextProbe = Timestamp(milliseconds: 900)
        let evidence = ClusterEvidence(
            cause: .projectBlocked, kind: .refusal(threshold: 5), account: account, job: JobID("k"))
        return [
            .engage(probed), .lift([.operatorPaused], by: nil), .lift([.apiRetired], by: 4), .beginProbe,
            .renewProbe(fence: 4), .endRound(fence: 4, []), .probeNow, .letOthersStart, .testify(evidence, probed),
            .meet(probed), .disprove(isSuccess: true), .divide, .leaveParts, .pause(account), .resume(account),
            .pauseMember("c", detail: "d"), .resumeMember("c"), .consumes(true), .take(.retention),
        ]
    }()

    /// The names and values below it, each with its way to it; of arrays what they contain.
    private func leaves(_ value: JSONValue, _ way: String = "") -> [String] {
        if let members = value.members {
            return members.flatMap { leaves($0.value, "\(way).\(String(decoding: $0.name, as: UTF8.self))") }
        }
        if let elements = value.elements, elements.contains(where: { $0.members != nil }) {
            return elements.flatMap { leaves($0, way) }
        }
        return ["\(way)=\(String(decoding: value.encoded(), as: UTF8.self))"]
    }

    private func unknown(_ bytes: [UInt8]) throws -> Set<String> {
        Set(
            leaves(try JSONValue.parse(bytes)).filter { leaf in
                ["new", "haunted", "audit"].contains { leaf.contains($0) }
            })
    }

    @Test("of a state that nobody has changed nothing is changed")
    func same() throws {
        let stored = Array(Self.stored.utf8)
        let state = try #require(ClusterState(json: stored, version: 3))
        #expect(try JSONValue.parse(state.json(over: stored)) == sorted(try JSONValue.parse(stored)))
    }

    /// As it is encoded.
    private func sorted(_ value: JSONValue) throws -> JSONValue { try JSONValue.parse(value.encoded()) }

    @Test("what this program does not know outlives each change of what it knows", arguments: Self.all)
    func changes(_ change: ClusterChange) throws {
        let stored = Array(Self.stored.utf8)
        var state = try #require(ClusterState(json: stored, version: 3))
        _ = state.apply(
            change, by: 2, alive: [1, 2, 3, 8], turnTime: .seconds(5), at: Timestamp(milliseconds: 2_000))
        let written = state.json(over: stored)
        #expect(ClusterState(json: written, version: state.version) == state, "what it knows is what it wrote")
        let lost = try unknown(stored).subtracting(try unknown(written))
        // What is gone takes along what was said of it, and nothing else.
        let gone: Set<String> =
            switch change {
            case .lift(_, by: 4): [".holds.new=7", ".turn.new=11", ".first.new=6"]
            case .endRound: [".turn.new=11"]
            case .letOthersStart, .engage: [".first.new=6"]
            case .disprove: [".evidence.new=3", ".evidence.new=4", ".evidence.new=5", ".met.new=8"]
            default: []
            }
        #expect(lost.isSubset(of: gone), "\(change)")
    }

    @Test("what is taken away stays away, and takes its own with it")
    func removed() throws {
        let stored = Array(Self.stored.utf8)
        var state = try #require(ClusterState(json: stored, version: 3))
        state.pausedMembers = [:]
        state.evidence.remove(at: 2)
        state.turn = nil
        state.parts = [:]
        let written = state.json(over: stored)
        #expect(ClusterState(json: written, version: 3) == state)
        let lost = try unknown(stored).subtracting(try unknown(written))
        // Of two words that are the same one the last is what is left of them.
        #expect(lost == [".pausedMembers.new=10", ".evidence.new=5", ".turn.new=11", ".parts.new=9"])
    }

    @Test("nothing that is written in more than one piece is without what says which is which")
    func identities() throws {
        let state = try #require(ClusterState(json: Array(Self.stored.utf8), version: 3))
        var day = DayAllotments()
        _ = day.apply(DayRequest(day: "d", limit: 100), by: 1, alive: [1], spent: [:])
        for member in (state.value.members ?? []) + (day.value.members ?? []) {
            let name = String(decoding: member.name, as: UTF8.self)
            let isOfPieces = (member.value.elements ?? [member.value]).contains { $0.members != nil }
            #expect(isOfPieces == (UnknownMembers.identities[name] != nil), "\(name)")
        }
    }

    @Test("in the database too, whatever the members do, and so it is with a day")
    func database() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join()
        try await database.run(
            "UPDATE leave_album.cluster SET shared = convert_to($json$\(Self.stored)$json$, 'UTF8')")
        func cluster() async throws -> Set<String> {
            let text = try await database.run("SELECT convert_from(shared, 'UTF8') FROM leave_album.cluster")
            return try unknown(Array(text.utf8))
        }
        let before = try await cluster()
        #expect(before.count == 17)
        for change in [ClusterChange.pause(AccountID("c")), .consumes(true), .pauseMember("c", detail: "d"), .divide] {
            #expect(try await ledger.cluster.change(change).isAccepted)
        }
        // What it has had since then is another thing, and what the other had is gone with it.
        #expect(try await cluster() == before.subtracting([".consuming.new=2", ".consuming.new.a=[1.5]"]))
        _ = try await ledger.cluster.allot(DayRequest(day: Sample.day, limit: 100))
        try await database.run(
            """
            UPDATE leave_album.days SET allotments = convert_to(replace(replace(convert_from(allotments, 'UTF8'),
            '{"allotted"', '{"new":1,"allotted"'), '{"shares"', '{"newer":2,"shares"'), 'UTF8')
            """)
        _ = try await ledger.cluster.allot(DayRequest(day: Sample.day, limit: 200, used: 50))
        let day = try JSONValue.parse(
            Array(try await database.run("SELECT convert_from(allotments, 'UTF8') FROM leave_album.days").utf8))
        #expect(day["newer"] == .integer(2) && day["shares"]?.elements?.first?["new"] == .integer(1))
        #expect(day["shares"]?.elements?.first?["limit"] == .integer(200))
        await ledger.close(within: DatabaseLedger.closeTime)
    }
}
