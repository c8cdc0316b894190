import AMQP
import Foundation
import JSON
import PrivateBroker
import Testing

extension ServiceOnABroker {
    /// What the service manager is told, and that it is the truth.
    @Suite struct Supervision {
        private func supervised(
            _ settings: String = "", broker: PrivateBroker? = nil,
            _ body: (DaemonHarness, NotifySocket) async throws -> Void
        ) async throws {
            let harness = try await DaemonHarness(settings: settings, broker: broker)
            let socket = try NotifySocket(path: harness.directory.file("notify").path)
            try await body(harness, socket)
            await harness.end()
            socket.end()
        }

        private func rewrite(_ harness: DaemonHarness, _ old: String, _ new: String) throws {
            let text = try String(contentsOf: harness.directory.file("d.toml"), encoding: .utf8)
            #expect(text.contains(old))
            try harness.directory.write("d.toml", text.replacingOccurrences(of: old, with: new))
        }

        @Test func aDaemonWithoutABrokerIsReadyAndSaysWhatItWaitsFor() async throws {
            try await supervised { harness, socket in
                try rewrite(harness, ":\(harness.broker.port)\"", ":\(freePort())\"")
                try await harness.start(environment: ["NOTIFY_SOCKET": socket.path])
                try await eventually("it is ready") { socket.count("READY=1") == 1 }
                try await eventually("it names its trouble") {
                    socket.status.hasPrefix("STATUS=connecting: connecting at amqp://127.0.0.1")
                        || socket.status.contains("127.0.0.1")
                }
                let status = try await harness.command("status")
                #expect(status.ending == .exited(0), "it answers before there is a broker: \(status.text)")
                #expect(status.text.contains("connecting"))
                try await harness.stopInOrder()
                #expect(socket.count("STOPPING=1") == 1)
                #expect(socket.lines.contains { $0.hasPrefix("EXTEND_TIMEOUT_USEC=") })
            }
        }

        @Test func aMissingQueueIsWaitedForAndNamed() async throws {
            try await supervised { harness, socket in
                try rewrite(harness, "prefix =", "topology = \"verify\"\nprefix =")
                try await harness.session.delete(queue: "\(harness.prefix).cancel")
                try await harness.start(environment: ["NOTIFY_SOCKET": socket.path])
                try await eventually("the queue is named") {
                    socket.status.hasPrefix("STATUS=connecting") && socket.status.contains("\(harness.prefix).cancel")
                }
                #expect(socket.count("READY=1") == 1)
                try await harness.publish(DaemonHarness.body("early", account: "acc1", token: "album-early"))
                await harness.daemon?.signal(SIGHUP)
                try await eventually("it has reloaded") { socket.count("READY=1") == 2 }
                #expect(try await harness.command("topology", "declare").ending == .exited(0))
                try await eventually("it works by itself") { socket.status.hasPrefix("STATUS=consuming") }
                #expect(
                    await !harness.log.contains("lost the consuming connection"),
                    "nothing was taken before all was there, not even after a reload")
                #expect(try await harness.take("results", atLeast: 1).map(ReadResult.init).first?.outcome == "left")
                try await harness.stopInOrder()
            }
        }

        @Test func theWatchdogIsFedAndTheStatusFollowsTheWork() async throws {
            try await supervised { harness, socket in
                try await harness.start(environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "400000"])
                try await eventually("it consumes") { socket.status.hasPrefix("STATUS=consuming") }
                try await eventually("it is fed") { socket.count("WATCHDOG=1") > 10 }
                #expect(try await harness.command("pause").ending == .exited(0))
                try await eventually("the hold is told") {
                    socket.status.hasPrefix("STATUS=on hold: operator_paused since 20")
                }
                #expect(try await harness.command("resume").ending == .exited(0))
                try await eventually("it consumes again") { socket.status.hasPrefix("STATUS=consuming") }
                try await harness.stopInOrder()
                #expect(socket.status == "STATUS=draining: 0 in hand")
            }
        }

        /// The whole process stands still, so nobody feeds: what systemd does then is systemd's.
        @Test func aStoppedProcessFeedsNothing() async throws {
            try await supervised { harness, socket in
                try await harness.start(environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "200000"])
                try await eventually("it is fed") { socket.count("WATCHDOG=1") > 3 }
                let pid = await harness.daemon?.pid ?? 0
                await harness.daemon?.signal(SIGSTOP)
                try await eventually("it stands still") {
                    try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8).contains(") T ")
                }
                try await socket.readAll()
                let fed = socket.count("WATCHDOG=1")
                try await Task.sleep(for: .seconds(1))
                try await socket.readAll()
                #expect(socket.count("WATCHDOG=1") == fed)
                await harness.daemon?.signal(SIGCONT)
                try await eventually("it is fed again") { socket.count("WATCHDOG=1") > fed + 3 }
                try await harness.stopInOrder()
            }
        }

        @Test func aReloadEndsReadyOnEveryOutcome() async throws {
            try await supervised("") { harness, socket in
                try await harness.start(environment: ["NOTIFY_SOCKET": socket.path])
                try await eventually("it consumes") { socket.status.hasPrefix("STATUS=consuming") }

                try rewrite(harness, "requests_per_day = 0", "requests_per_day = 1234")
                try rewrite(harness, "durability = \"normal\"", "durability = \"full\"")
                await harness.daemon?.signal(SIGHUP)
                try await eventually("it is ready again") { socket.count("READY=1") == 2 }
                let reloading = try #require(socket.lines.firstIndex(of: "RELOADING=1"))
                #expect(socket.lines[reloading + 1].hasPrefix("MONOTONIC_USEC="))
                #expect(await harness.log.contains("limits.requests_per_day"))
                #expect(await harness.log.contains("only with a restart: ledger.durability"))
                let asked = try await harness.command("quota", "--json")
                let quota = try #require(try? JSONValue.parse(Array(asked.text.utf8)), "\(asked.text)")
                #expect(quota["limit"]?.integer == 1_234, "it holds from now on")

                try rewrite(harness, "requests_per_day = 1234", "requests_per_dayy = 1")
                await harness.daemon?.signal(SIGHUP)
                try await eventually("it is ready again") { socket.count("READY=1") == 3 }
                #expect(await harness.log.contains("settings were not reloaded"))
                // The command itself reads the settings: they are put right, and not reloaded.
                try rewrite(harness, "requests_per_dayy = 1", "requests_per_day = 1")
                let same = try JSONValue.parse(Array(try await harness.command("quota", "--json").text.utf8))
                #expect(same["limit"]?.integer == 1_234, "a wrong file changes nothing")

                // It still works.
                try await harness.publish(DaemonHarness.body("after", account: "acc1", token: "album-after"))
                let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
                #expect(results.first?.outcome == "left")
                try await harness.stopInOrder()
            }
        }

        @Test func keysThatAreMissingAreNeverReady() async throws {
            try await supervised { harness, socket in
                try FileManager.default.removeItem(at: harness.directory.file("tokens"))
                try await harness.start(environment: ["NOTIFY_SOCKET": socket.path])
                #expect(await harness.daemon?.wait() == .exited(78))
                // Read by a thread of its own, behind the daemon's end.
                try await eventually("the last status says why") { socket.status.contains("tokens") }
                #expect(socket.count("READY=1") == 0)
            }
        }

        @Test func aStopIsNotifiedWhateverItWaitsFor() async throws {
            try await supervised { harness, socket in
                try await harness.start()
                try await harness.waitUntilConsuming()
                let first = await harness.daemon
                try await harness.start(environment: ["NOTIFY_SOCKET": socket.path])
                try await eventually("it stands by") { socket.status.hasPrefix("STATUS=standing by") }
                try await harness.stopInOrder()
                #expect(socket.count("STOPPING=1") == 1)
                #expect(await harness.log.contains("stopped before it had begun"))
                first?.signal(SIGTERM)
                #expect(await first?.wait() == .exited(0))
            }
        }

        @Test func aSecondDaemonIsReadyStandingBy() async throws {
            try await supervised { harness, socket in
                try await harness.start()
                try await harness.waitUntilConsuming()
                let first = await harness.daemon
                try await harness.start(environment: ["NOTIFY_SOCKET": socket.path])
                try await eventually("it stands by") {
                    socket.status == "STATUS=standing by: process \(first?.pid ?? 0) has the ledger"
                }
                // The status may be sent first.
                try await eventually("it is ready") { socket.count("READY=1") == 1 }
                first?.signal(SIGKILL)
                try await eventually("it takes over") { socket.status.hasPrefix("STATUS=consuming") }
                #expect(try await harness.command("status").text.contains("consuming"))
                try await harness.stopInOrder()
            }
        }
    }
}
