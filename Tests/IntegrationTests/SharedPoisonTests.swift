import Foundation
import PrivateBroker
import Testing

extension KilledOnABroker {
    /// A job that kills the daemons of a cluster.
    @Suite struct SharedPoison {
        /// A lease of two seconds, for each death is followed by one. The album's question kills as the call does.
        private static let environment = [
            "ALBUMD_TEST_KILL_TOKEN": "album-killer", "LEAVE_ALBUMD_API_TIMEOUT": "700ms",
            "LEAVE_ALBUMD_API_CONNECT_TIMEOUT": "500ms", "LEAVE_ALBUMD_LEDGER_SEND_WINDOW": "1s",
            "LEAVE_ALBUMD_LEDGER_GRACE": "300ms",
        ]

        @Test func aJobThatKillsEachDaemonIsPoisonThoughItStepsAsideForTheirLeases() async throws {
            let cluster = try await ClusterHarness()
            let reader = try ResultReader(cluster.site)
            let others = 20
            for number in 0..<others {
                try await cluster.site.publish(
                    DaemonHarness.body("n\(number)", account: "acc\(number + 2)", token: "album-n\(number)"))
                if number == 3 {
                    try await cluster.site.publish(
                        DaemonHarness.body("killer", account: "acc1", token: "album-killer"))
                }
            }
            var members = [try cluster.start("a", environment: Self.environment)]
            members.append(try cluster.start("b", environment: Self.environment))
            var deaths = 0
            while reader.of("killer").isEmpty, deaths < 40 {
                let running = members
                try await eventually("a daemon dies, or the job has ended") {
                    running.contains { !$0.process.isRunning } || !reader.of("killer").isEmpty
                }
                for (place, member) in members.enumerated() where !member.process.isRunning {
                    deaths += 1
                    members[place] = try cluster.start(member.name, environment: Self.environment)
                }
            }
            try await eventually("everything is done") { reader.jobs == others + 1 }
            reader.stop()
            let killer = reader.all.filter { $0.jobID == "killer" }
            #expect(Set(killer.map(\.reason)) == ["poison"])
            #expect(killer.first?.effect == "unknown", "the first death was in a call")
            #expect(reader.all.filter { $0.jobID != "killer" }.allSatisfy { $0.effect == "left" })
            #expect(deaths <= 20, "\(deaths) deaths")
            await cluster.end(members[0], members[1])
        }
    }
}
