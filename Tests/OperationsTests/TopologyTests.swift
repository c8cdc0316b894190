import AMQP
import Clocks
import JSON
import Operations
import Testing

@Suite struct TopologyTests {
    private let topology = Topology(prefix: "leave.album", delays: [.seconds(5), .seconds(60)])

    /// What the management interface shows of a broker where everything is right.
    private func queues(_ change: (String, inout [JSONValue.Member]) -> Void = { _, _ in }) -> [JSONValue] {
        topology.definitions(vhost: "/", version: .four)["queues"]?.elements?.map { queue in
            var members = queue.members ?? []
            change(queue["name"]?.text ?? "", &members)
            return .object(members)
        } ?? []
    }

    private var bindings: [JSONValue] {
        topology.definitions(vhost: "/", version: .four)["bindings"]?.elements ?? []
    }

    @Test func namesAreTheContracts() {
        #expect(
            topology.queues.map(\.name)
                == [
                    "jobs", "bulk", "due", "cancel", "broken", "retry.5s", "retry.60s", "dead", "results",
                ].map { "leave.album.\($0)" })
        #expect(topology.exchanges.map(\.name) == ["jobs", "dead", "results"].map { "leave.album.\($0)" })
    }

    @Test func aBrokerAsItShouldBeHasNoDifference() {
        let comparison = TopologyComparison(topology, queues: queues(), bindings: bindings)
        #expect(comparison.differences == [])
        #expect(comparison.notes == [])
    }

    @Test func aMissingQueueIsADifference() {
        let found = queues().filter { $0["name"]?.text != "leave.album.due" }
        let comparison = TopologyComparison(topology, queues: found, bindings: bindings)
        #expect(comparison.differences.map(\.what) == ["queue leave.album.due"])
    }

    @Test func anotherArgumentIsNamedWithBothValues() {
        let found = queues { name, members in
            guard name == "leave.album.retry.5s" else { return }
            members = members.map { member in
                guard member.name == Array("arguments".utf8) else { return member }
                let others = member.value.members?.filter { $0.name != Array("x-message-ttl".utf8) } ?? []
                return .init("arguments", .object(others + [.init("x-message-ttl", .integer(6000))]))
            }
        }
        let comparison = TopologyComparison(topology, queues: found, bindings: bindings)
        #expect(comparison.differences.count == 1)
        let text = comparison.differences.first?.description ?? ""
        #expect(text.contains("x-message-ttl is 6000 and should be 5000"))
    }

    @Test func aMissingBindingIsADifference() {
        let comparison = TopologyComparison(topology, queues: queues(), bindings: Array(bindings.dropFirst()))
        #expect(comparison.differences.map(\.what) == ["exchange leave.album.jobs"])
    }

    @Test(arguments: [
        ("overflow", JSONValue.text("drop-head"), "jobs", true), ("overflow", .text("reject-publish"), "jobs", false),
        ("message-ttl", .integer(1000), "jobs", true), ("message-ttl", .integer(1000), "retry.5s", true),
        ("message-ttl", .integer(9000), "retry.5s", false), ("expires", .integer(1000), "dead", true),
        ("delivery-limit", .integer(3), "jobs", true), ("delivery-limit", .integer(30), "jobs", false),
        ("delivery-limit", .integer(3), "dead", true), ("delivery-limit", .integer(-1), "dead", false),
        ("dead-letter-exchange", .text("x"), "results", true), ("max-length", .integer(1000), "jobs", false),
    ])
    func aPolicyIsADifferenceWhereItBreaksAPromise(name: String, value: JSONValue, queue: String, isHarm: Bool) {
        let found = queues { found, members in
            guard found == "leave.album.\(queue)" else { return }
            members.append(.init("policy", .text("house")))
            members.append(.init("effective_policy_definition", .object([.init(name, value)])))
        }
        let comparison = TopologyComparison(topology, queues: found, bindings: bindings)
        #expect(comparison.differences.count == (isHarm ? 1 : 0))
        #expect(comparison.notes.count == (isHarm ? 0 : 1))
        let reported = (comparison.differences.map(\.description) + comparison.notes).first ?? ""
        #expect(reported.contains("policy house sets \(name)"))
    }

    /// The limit of a broker's own on what nobody may lose: only a policy takes it away.
    @Test(
        arguments: [
            (nil, [nil, nil], 0), ("3.10.8", [nil, nil], 0), ("3.13.7", [nil, nil], 0), ("4.0.5", [nil, nil], 2),
            ("4.3.6", [-1, nil], 1), ("4.3.6", [-1, -1], 0), ("5.0.0", [nil, nil], 2), ("unknown", [nil, nil], 0),
        ] as [(String?, [Int64?], Int)])
    func aLimitOfTheBrokersOwnIsWorthANote(release: String?, policies: [Int64?], notes: Int) {
        let found = queues { name, members in
            let place = ["leave.album.dead", "leave.album.results"].firstIndex(of: name)
            guard let limit = place.flatMap({ policies[$0] }) else { return }
            members.append(
                .init("effective_policy_definition", .object([.init("delivery-limit", .integer(limit))])))
        }
        let comparison = TopologyComparison(topology, queues: found, bindings: bindings, release: release)
        #expect(comparison.differences == [])
        #expect(comparison.notes.filter { $0.contains("given back 20 times") }.count == notes)
    }

    @Test func aRetiredDelayIsWorthANote() {
        let older = Topology(prefix: "leave.album", delays: [.seconds(5), .seconds(60), .seconds(600)])
        let found = older.definitions(vhost: "/", version: .three)["queues"]?.elements ?? []
        let comparison = TopologyComparison(topology, queues: found, bindings: bindings)
        #expect(comparison.differences == [])
        #expect(comparison.notes.map { $0.contains("leave.album.retry.600s") } == [true])
    }

    /// A user for each duty, who may touch what it must and nothing more.
    @Test(arguments: [
        ("worker", "configure", "leave.album.jobs", false), ("worker", "read", "leave.album.due", true),
        ("worker", "read", "leave.album.dead", false), ("worker", "write", "leave.album.dead", true),
        ("worker", "write", "leave.album.jobs", false), ("worker", "write", "leaveXalbum.dead", false),
        ("publisher", "write", "leave.album.jobs", true), ("publisher", "read", "leave.album.jobs", false),
        ("consumer", "read", "leave.album.results", true), ("consumer", "read", "leave.album.jobs", false),
        ("consumer", "write", "leave.album.results", false), ("operator", "read", "leave.album.dead", true),
        ("operator", "configure", "leave.album.jobs", false), ("operator", "configure", "leave.album.tail.1", true),
        ("provisioner", "configure", "leave.album.jobs", true), ("provisioner", "configure", "other", false),
    ])
    func rightsAreTheLeast(user: String, right: String, resource: String, isAllowed: Bool) throws {
        let permissions = topology.definitions(vhost: "/", version: .four)["permissions"]?.elements ?? []
        let own = try #require(permissions.first { $0["user"]?.text == "leave.album-\(user)" })
        let pattern = try Regex(own[right]?.text ?? "")
        #expect((try pattern.firstMatch(in: resource) != nil) == isAllowed)
    }

    @Test func onlyAFourthBrokerKeepsDeadLettersWithoutALimit() {
        func limits(_ version: Topology.BrokerVersion) -> [JSONValue] {
            topology.definitions(vhost: "/", version: version)["policies"]?.elements?.compactMap {
                $0["definition"]?["delivery-limit"]
            } ?? []
        }
        #expect(limits(.three) == [])
        #expect(limits(.four) == [.integer(-1)])
    }
}
