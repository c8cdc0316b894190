import Foundation
import JSON
import PrivateBroker
import Testing

extension KilledOnABroker {
    /// Grants in the ledger that daemons share, as a site uses them.
    @Suite struct SharedGrants {
        private func site(backend: String) async throws -> ClusterHarness {
            let cluster = try await ClusterHarness()
            try cluster.site.withStore()
            try use(backend, at: cluster)
            return cluster
        }

        private func use(_ backend: String, at cluster: ClusterHarness) throws {
            let file = cluster.site.directory.file("d.toml")
            let lines = try String(contentsOf: file, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false)
            let settings = lines.filter { !$0.hasPrefix("backend = ") && !$0.hasPrefix("shared_directory = ") }
            try cluster.site.directory.write("d.toml", settings.joined(separator: "\n") + "\n\(backend)\n")
        }

        @Test func twoDaemonsRefreshEachGrantOnce() async throws {
            let cluster = try await site(backend: #"backend = "ledger""#)
            let site = cluster.site
            var lines = ""
            for number in 1...10 {
                try await site.control(
                    "grants",
                    #"{"refreshToken":"very-secret-\#(number)","account":"acc\#(number)","rotate":true,"strict":true}"#)
                lines += #"{"account":"acc\#(number)","refreshToken":"very-secret-\#(number)"}"# + "\n"
            }
            // They stood in one host's directory, and move.
            try site.directory.write("grants.jsonl", lines)
            try use("", at: cluster)
            let imported = try await site.command(
                "credentials", "import", "--file", site.directory.file("grants.jsonl").path)
            #expect(imported.ending == .exited(0), "\(imported.text)")
            try use(#"backend = "ledger""#, at: cluster)
            let moved = try await site.command("credentials", "move")
            #expect(moved.ending == .exited(0) && moved.text.contains("10 moved"), "\(moved.text)")
            let again = try await site.command("credentials", "move")
            #expect(again.ending == .exited(0) && again.text.contains("0 moved"), "\(again.text)")
            let live = try await site.command("check", "--live")
            #expect(live.text.contains("10 grants in the ledger at"), "\(live.text)")

            let members = [try cluster.start("one"), try cluster.start("two")]
            for member in members { try await member.waitUntilConsuming() }
            for number in 1...10 {
                for copy in 0..<3 {
                    try await site.publish(
                        DaemonHarness.body(
                            "s\(number).\(copy)", account: "acc\(number)", token: "album-s\(number).\(copy)"))
                }
            }
            let results = try await site.take("results", atLeast: 30).map(ReadResult.init)
            #expect(results.filter { $0.outcome == "left" }.count == 30)
            #expect(try site.calls(of: "token").count == 10, "one refresh for each grant, of both daemons")

            try site.directory.write("key2", String(repeating: "c5", count: 32) + "\n")
            let rekey = ["credentials", "rekey", "--new-key-file", site.directory.file("key2").path]
            let refused = try await site.command(rekey)
            #expect(refused.ending == .exited(1) && refused.text.contains("stop all daemons"), "\(refused.text)")
            for member in members { try await member.stopInOrder() }
            #expect(try await site.command(rekey).ending == .exited(0))
            try site.directory.write("key", String(repeating: "c5", count: 32) + "\n")
            #expect(try await site.command("credentials", "check").ending == .exited(0))
            #expect(try await site.command("credentials", "remove", "acc1").ending == .exited(0))
            let list = try await site.command("credentials", "list", "--json")
            #expect(list.text.contains("acc10") && !list.text.contains(#""acc1""#))
            #expect(!(list.text + members.map(\.log).joined()).contains("very-secret"))
            await cluster.end(members[0], members[1])
        }

        @Test func aDirectoryOfOnesOwnIsForOneDaemon() async throws {
            let cluster = try await site(backend: "")
            let first = try cluster.start("first")
            try await first.waitUntilConsuming()
            let second = try cluster.start("second")
            #expect(await second.process.wait() == .exited(78), "\(second.log)")
            #expect(second.log.contains("daemon first") && second.log.contains("credentials move"), "\(second.log)")
            // Whoever comes back after a kill is the only one, though its former self is among the living for a while.
            first.process.signal(SIGKILL)
            _ = await first.process.wait()
            let next = try cluster.start("first")
            try await next.waitUntilConsuming()
            #expect(next.log.contains("waiting to see whether another daemon works"))
            // One directory for both, said so.
            try use("shared_directory = true", at: cluster)
            let third = try cluster.start("third")
            try await third.waitUntilConsuming()
            await cluster.end(first, second, next, third)
        }

        /// `LEAVE_ALBUMD_ROTATION_KILLS=200` for more. No grant is lost but with an answer that was not written.
        @Test func aKillInARotationLosesNoGrantButWithItsAnswer() async throws {
            let kills = ProcessInfo.processInfo.environment["LEAVE_ALBUMD_ROTATION_KILLS"].flatMap(Int.init) ?? 15
            let cluster = try await site(backend: #"backend = "ledger""#)
            let site = cluster.site
            let program = DaemonHarness.products.appendingPathComponent("leave-albumd").path
            let times = ["LEAVE_ALBUMD_API_TIMEOUT": "1s", "LEAVE_ALBUMD_API_CONNECT_TIMEOUT": "1s"]
            var (killed, lost, number) = (0, 0, 0)
            while killed < kills {
                number += 1
                let account = "acc\(number)"
                try await site.control(
                    "grants", #"{"refreshToken":"rt-\#(number)","account":"\#(account)","rotate":true,"strict":true}"#)
                try site.directory.write("grant", #"{"account":"\#(account)","refreshToken":"rt-\#(number)"}"# + "\n")
                let imported = try await site.command(
                    "credentials", "import", "--file", site.directory.file("grant").path)
                #expect(imported.ending == .exited(0), "\(imported.text)")
                let check = try ChildProcess(
                    [program, "credentials", "check", account, "--config", site.directory.file("d.toml").path],
                    environment: times, output: site.directory.file("check.out"))
                try await Task.sleep(for: .microseconds(Int.random(in: 5_000...80_000)))
                check.signal(SIGKILL)
                guard await check.wait() == .signalled(SIGKILL) else { continue }
                killed += 1
                // Its lease is waited out, by a command that waits for some seconds.
                var after = try await site.command("credentials", "check", account)
                while after.text.hasPrefix("unavailable") {
                    after = try await site.command("credentials", "check", account)
                }
                if after.ending == .exited(0) { continue }
                let asked = try site.calls(of: "token").filter { $0.account == account }
                #expect(asked.count == 2, "only what was asked before the kill is lost: \(after.text)")
                #expect(after.text.contains("reauth_required") && after.text.contains("cut off"), "\(after.text)")
                lost += 1
            }
            print("\(killed) kills, and \(lost) grants lost with an answer that was not written")
            await cluster.end()
        }
    }
}
