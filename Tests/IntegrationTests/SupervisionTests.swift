import AMQP
import Foundation
import JSON
import PrivateBroker
import Testing

extension OnABroker {
    /// What the service manager is told, and that it is the truth.
    @Suite struct Supervision {
        private func supervised(
            _ settings: String = "", broker: PrivateBroker? = nil,
            _ body: (Stage, NotifySocket) async throws -> Void
        ) async throws {
            let stage = try await Stage(settings: settings, broker: broker)
            let socket = try NotifySocket(path: stage.directory.file("notify").path)
            try await body(stage, socket)
            await stage.end()
            socket.end()
        }

        private func rewrite(_ stage: Stage, _ old: String, _ new: String) throws {
            let text = try String(contentsOf: stage.directory.file("d.toml"), encoding: .utf8)
            #expect(text.contains(old))
            try stage.directory.write("d.toml", text.replacingOccurrences(of: old, with: new))
        }

        @Test func aDaemonWithoutABrokerIsReadyAndSaysWhatItWaitsFor() async throws {
            try await supervised { stage, socket in
                try rewrite(stage, ":\(stage.broker.port)\"", ":\(freePort())\"")
                try await stage.start(environment: ["NOTIFY_SOCKET": socket.path])
                try await eventually("it is ready") { socket.count("READY=1") == 1 }
                try await eventually("it names its trouble") {
                    socket.status.hasPrefix("STATUS=connecting: connecting at amqp://127.0.0.1")
                        || socket.status.contains("127.0.0.1")
                }
                let status = try await stage.command("status")
                #expect(status.ending == .exited(0), "it answers before there is a broker: \(status.text)")
                #expect(status.text.contains("connecting"))
                try await stage.stopInOrder()
                #expect(socket.count("STOPPING=1") == 1)
                #expect(socket.lines.contains { $0.hasPrefix("EXTEND_TIMEOUT_USEC=") })
            }
        }

        @Test func aMissingQueueIsWaitedForAndNamed() async throws {
            try await supervised { stage, socket in
                try rewrite(stage, "prefix =", "topology = \"verify\"\nprefix =")
                try await stage.session.delete(queue: "\(stage.prefix).cancel")
                try await stage.start(environment: ["NOTIFY_SOCKET": socket.path])
                try await eventually("the queue is named") {
                    socket.status.hasPrefix("STATUS=connecting") && socket.status.contains("\(stage.prefix).cancel")
                }
                #expect(socket.count("READY=1") == 1)
                try await stage.publish(Stage.body("early", account: "acc1", token: "album-early"))
                await stage.daemon?.signal(SIGHUP)
                try await eventually("it has reloaded") { socket.count("READY=1") == 2 }
                #expect(try await stage.command("topology", "declare").ending == .exited(0))
                try await eventually("it works by itself") { socket.status.hasPrefix("STATUS=consuming") }
                #expect(
                    await !stage.log.contains("lost the consuming connection"),
                    "nothing was taken before all was there, not even after a reload")
                #expect(try await stage.take("results", atLeast: 1).map(ReadResult.init).first?.outcome == "left")
                try await stage.stopInOrder()
            }
        }

        @Test func theWatchdogIsFedAndTheStatusFollowsTheWork() async throws {
            try await supervised { stage, socket in
                try await stage.start(environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "400000"])
                try await eventually("it consumes") { socket.status.hasPrefix("STATUS=consuming") }
                try await eventually("it is fed") { socket.count("WATCHDOG=1") > 10 }
                #expect(try await stage.command("pause").ending == .exited(0))
                try await eventually("the hold is told") {
                    socket.status.hasPrefix("STATUS=on hold: operator_paused since 20")
                }
                #expect(try await stage.command("resume").ending == .exited(0))
                try await eventually("it consumes again") { socket.status.hasPrefix("STATUS=consuming") }
                #expect(!socket.lines.contains { $0.contains("not answering") })
                try await stage.stopInOrder()
                #expect(socket.status == "STATUS=draining: 0 in hand")
            }
        }

        /// The whole process stands still, so nobody feeds: what systemd does then is systemd's.
        @Test func aStoppedProcessFeedsNothing() async throws {
            try await supervised { stage, socket in
                try await stage.start(environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "200000"])
                try await eventually("it is fed") { socket.count("WATCHDOG=1") > 3 }
                await stage.daemon?.signal(SIGSTOP)
                let fed = socket.count("WATCHDOG=1")
                try await Task.sleep(for: .seconds(1))
                #expect(socket.count("WATCHDOG=1") <= fed + 1)
                await stage.daemon?.signal(SIGCONT)
                try await eventually("it is fed again") { socket.count("WATCHDOG=1") > fed + 3 }
                try await stage.stopInOrder()
            }
        }

        @Test func aReloadEndsReadyOnEveryOutcome() async throws {
            try await supervised("") { stage, socket in
                try await stage.start(environment: ["NOTIFY_SOCKET": socket.path])
                try await eventually("it consumes") { socket.status.hasPrefix("STATUS=consuming") }

                try rewrite(stage, "requests_per_day = 0", "requests_per_day = 1234")
                try rewrite(stage, "durability = \"normal\"", "durability = \"full\"")
                await stage.daemon?.signal(SIGHUP)
                try await eventually("it is ready again") { socket.count("READY=1") == 2 }
                let reloading = try #require(socket.lines.firstIndex(of: "RELOADING=1"))
                #expect(socket.lines[reloading + 1].hasPrefix("MONOTONIC_USEC="))
                #expect(await stage.log.contains("limits.requests_per_day"))
                #expect(await stage.log.contains("only with a restart: ledger.durability"))
                let asked = try await stage.command("quota", "--json")
                let quota = try #require(try? JSONValue.parse(Array(asked.text.utf8)), "\(asked.text)")
                #expect(quota["limit"]?.integer == 1_234, "it holds from now on")

                try rewrite(stage, "requests_per_day = 1234", "requests_per_dayy = 1")
                await stage.daemon?.signal(SIGHUP)
                try await eventually("it is ready again") { socket.count("READY=1") == 3 }
                #expect(await stage.log.contains("settings were not reloaded"))
                // The command itself reads the settings: they are put right, and not reloaded.
                try rewrite(stage, "requests_per_dayy = 1", "requests_per_day = 1")
                let same = try JSONValue.parse(Array(try await stage.command("quota", "--json").text.utf8))
                #expect(same["limit"]?.integer == 1_234, "a wrong file changes nothing")

                // It still works.
                try await stage.publish(Stage.body("after", account: "acc1", token: "album-after"))
                let results = try await stage.take("results", atLeast: 1).map(ReadResult.init)
                #expect(results.first?.outcome == "left")
                try await stage.stopInOrder()
            }
        }

        @Test func keysThatAreMissingAreNeverReady() async throws {
            try await supervised { stage, socket in
                try FileManager.default.removeItem(at: stage.directory.file("tokens"))
                try await stage.start(environment: ["NOTIFY_SOCKET": socket.path])
                #expect(await stage.daemon?.wait(seconds: 20) == .exited(78))
                // Read by a thread of its own, behind the daemon's end.
                try await eventually("the last status says why") { socket.status.contains("tokens") }
                #expect(socket.count("READY=1") == 0)
            }
        }

        @Test func aStopIsToldWhateverItWaitsFor() async throws {
            try await supervised { stage, socket in
                try await stage.start()
                try await stage.waitUntilConsuming()
                let first = await stage.daemon
                try await stage.start(environment: ["NOTIFY_SOCKET": socket.path])
                try await eventually("it stands by") { socket.status.hasPrefix("STATUS=standing by") }
                try await stage.stopInOrder()
                #expect(socket.count("STOPPING=1") == 1)
                #expect(await stage.log.contains("stopped before it had begun"))
                first?.signal(SIGTERM)
                #expect(await first?.wait(seconds: 20) == .exited(0))
            }
        }

        @Test func aSecondDaemonIsReadyStandingBy() async throws {
            try await supervised { stage, socket in
                try await stage.start()
                try await stage.waitUntilConsuming()
                let first = await stage.daemon
                try await stage.start(environment: ["NOTIFY_SOCKET": socket.path])
                try await eventually("it stands by") {
                    socket.status == "STATUS=standing by: process \(first?.pid ?? 0) has the ledger"
                }
                #expect(socket.count("READY=1") == 1)
                first?.signal(SIGKILL)
                try await eventually("it takes over") { socket.status.hasPrefix("STATUS=consuming") }
                #expect(try await stage.command("status").text.contains("consuming"))
                try await stage.stopInOrder()
            }
        }
    }
}
