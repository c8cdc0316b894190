import Foundation
import JSON
import PrivateBroker
import Testing

extension OperatingOnABroker {
    /// The morning after a fault: what an operator finds, and how it is put right.
    @Suite struct Operating {
        private func lines(_ text: String) -> [JSONValue] {
            text.split(separator: "\n").compactMap { try? JSONValue.parse(Array($0.utf8)) }
        }

        @Test func deadLettersAreLookedAtRedrivenAndDiscarded() async throws {
            let harness = try await DaemonHarness()
            try await harness.faults(#"{"account":"acc7","actions":[{"wording":"photos_disabled"}]}"#)
            try await harness.start()
            try await harness.waitUntilConsuming()
            for number in 1...5 {
                try await harness.publish(DaemonHarness.body("d\(number)", account: "acc7", token: "album-d\(number)"))
            }
            try await harness.publish(DaemonHarness.body("n1", account: "nobody", token: "album-n1"))
            try await harness.publish(Array(#"{"jobId":"m1","account":7,"shareToken":"t"}"#.utf8))
            _ = try await harness.take("results", atLeast: 7)
            try await eventually("all letters lie there") { try await harness.depth("dead") == 7 }

            // Looking takes nothing, however often.
            for _ in 0..<25 {
                // A command that hears nothing for two seconds takes what the broker is about to send for taken by others.
                try await eventually("all are listed") {
                    let list = try await harness.command("dead", "list", "--json")
                    #expect(list.ending == .exited(0), "\(list.text)")
                    return Set(lines(list.text).compactMap { $0["jobId"]?.text }).count == 7
                }
                try await eventually("they are back") { try await harness.depth("dead") == 7 }
            }
            let some = try await harness.command("dead", "list", "--reason", "malformed_job", "--json")
            #expect(lines(some.text).compactMap { $0["jobId"]?.text } == ["m1"])
            #expect(!some.text.contains("album-"), "a letter's share token is nobody's to read")
            let stats = try await harness.command("dead", "stats", "--json")
            #expect(lines(stats.text).first?["letters"]?.integer == 7)
            let shown = try await harness.command("dead", "show", "d1")
            #expect(shown.text.contains("photos_disabled_for_user") && shown.text.contains("generation 1"))
            #expect(try await harness.command("dead", "show", "d9").ending == .exited(1))

            // Everything at once needs a word more.
            #expect(try await harness.command("dead", "redrive").ending == .exited(64))
            let dry = try await harness.command("dead", "redrive", "--all", "--dry-run")
            #expect(dry.text.contains("6 would run again, 1 would stay"), "\(dry.text)")
            try await eventually("they are back") { try await harness.depth("dead") == 7 }

            // The fault is mended, and the jobs run again.
            try await harness.clearFaults()
            let redriven = try await harness.command("dead", "redrive", "--account", "acc7", "--limit", "3")
            #expect(redriven.ending == .exited(0), "\(redriven.text)")
            let second = try await harness.take("results", atLeast: 3).map(ReadResult.init)
            #expect(second.count == 3 && second.allSatisfy { $0.outcome == "left" && $0.messageID.hasSuffix("#1") })
            let rest = try await harness.command("dead", "redrive", "--reason", "photos_disabled_for_user")
            #expect(rest.text.contains("2 run again"), "\(rest.text)")
            _ = try await harness.take("results", atLeast: 2)
            let history = try await harness.command("job", "d1")
            #expect(history.text.contains("redriven") && history.text.contains("uid \(getuid())"), "\(history.text)")

            #expect(try await harness.command("dead", "discard", "--reason", "malformed_job").ending == .exited(0))
            try await eventually("one is left") { try await harness.depth("dead") == 1 }
            #expect(lines(try await harness.command("dead", "list", "--json").text).first?["jobId"]?.text == "n1")
            await harness.end()
        }

        @Test func whatIsRedrivenWithoutSuccessDiesAgainAndSaysHowOften() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            try await harness.waitUntilConsuming()
            try await harness.publish(DaemonHarness.body("again", account: "nobody", token: "album-again"))
            for generation in 0..<4 {
                let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
                #expect(results.map(\.messageID) == ["again#\(generation)"])
                try await eventually("its letter lies there") { try await harness.depth("dead") == 1 }
                let redriven = try await harness.command("dead", "redrive", "--job", "again")
                #expect(redriven.text.contains("without success") == (generation >= 3), "\(redriven.text)")
            }
            await harness.end()
        }

        @Test func aRedriveThatIsKilledLosesNothing() async throws {
            let jobs = 150
            let harness = try await DaemonHarness()
            try await harness.faults(#"{"account":"acc7","actions":[{"wording":"photos_disabled"}]}"#)
            try await harness.start()
            try await harness.waitUntilConsuming()
            try await harness.inParallel(0..<jobs) {
                try await harness.publish(DaemonHarness.body("k\($0)", account: "acc7", token: "album-k\($0)"))
            }
            _ = try await harness.take("results", atLeast: jobs)
            try await harness.clearFaults()
            let reader = try ResultReader(harness)
            for _ in 0..<3 {
                let redrive = try ChildProcess(
                    [
                        DaemonHarness.products.appendingPathComponent("leave-albumd").path, "dead", "redrive", "--all",
                        "--rate",
                        "200", "--config", harness.directory.file("d.toml").path,
                    ], output: harness.directory.file("redrive.out"))
                try await Task.sleep(for: .milliseconds(350))
                redrive.signal(SIGKILL)
                _ = await redrive.wait()
            }
            try await eventually("no letter is left") {
                _ = try await harness.command("dead", "redrive", "--all")
                return try await harness.depth("dead") == 0
            }
            try await eventually("each job has run again") { Set(reader.all.map(\.messageID)).count >= jobs }
            reader.stop()
            let again = reader.all.filter { $0.messageID.hasSuffix("#1") }
            #expect(Set(again.map(\.messageID)).count == jobs)
            #expect(again.allSatisfy { $0.outcome == "left" })
            #expect(try harness.calls().filter { $0.effect == "left" }.count == jobs, "none left twice")
            await harness.end()
        }

        @Test func aListIsReconciledAndCancelledJobsNeverCall() async throws {
            let harness = try await DaemonHarness()
            try await harness.faults(#"{"token":"album-slow","actions":[{"wording":"aborted"}]}"#)
            try await harness.start()
            try await harness.waitUntilConsuming()
            #expect(try await harness.command("cancel", "later", "never").ending == .exited(0))
            try await eventually("the cancels are read") { try await harness.depth("cancel") == 0 }
            try await harness.publish(DaemonHarness.body("done", account: "acc1", token: "album-done"))
            try await harness.publish(DaemonHarness.body("later", account: "acc2", token: "album-later"))
            try await harness.publish(DaemonHarness.body("none", account: "nobody", token: "album-none"))
            let results = try await harness.take("results", atLeast: 3).map(ReadResult.init)
            #expect(results.first { $0.jobID == "later" }?.reason == "cancelled")
            try await harness.publish(DaemonHarness.body("slow", account: "acc3", token: "album-slow"))
            try await eventually("it is parked") { try await harness.depth("retry.5s") == 1 }
            try harness.directory.write(
                "list", ["done", "later", "none", "slow", "never", "ghost"].map { "{\"jobId\":\"\($0)\"}\n" }.joined())
            let list = harness.directory.file("list").path
            let answer = try await harness.command("reconcile", "--file", list, "--json")
            #expect(answer.ending == .exited(1))
            let statuses = lines(answer.text).filter { $0["standing"] != nil }
            #expect(
                statuses.map { $0["standing"]?.text } == [
                    "left", "failed", "failed", "waiting", "cancelled", "never_arrived",
                ])
            #expect(statuses.last?["command"]?.text?.contains("submit") == true)
            #expect(lines(answer.text).last?["summary"]?["left"]?.integer == 1)
            #expect(try harness.calls().allSatisfy { $0.token != "album-later" })
            await harness.end()
        }

        /// 100,000 of them with `LEAVE_ALBUMD_WHOLE_DRILLS`, which take some ten seconds.
        @Test func manyLinesAreReconciledByOneCommand() async throws {
            let harness = try await DaemonHarness()
            let isWhole = ProcessInfo.processInfo.environment["LEAVE_ALBUMD_WHOLE_DRILLS"] != nil
            let count = isWhole ? 100_000 : 10_000
            let list = (0..<count).map { "{\"jobId\":\"r\($0)\"}\n" }.joined()
            try harness.directory.write("list", list)
            try await harness.start()
            try await harness.waitUntilConsuming()
            try await harness.publish(DaemonHarness.body("r500", account: "acc1", token: "album-r500"))
            _ = try await harness.take("results", atLeast: 1)
            let began = Date()
            let path = harness.directory.file("list").path
            let answer = try await harness.command("reconcile", "--file", path, "--summary", "--json")
            print("\(count) lines reconciled in \(Int(Date().timeIntervalSince(began) * 1000)) ms")
            #expect(lines(answer.text).last?["summary"]?["never_arrived"]?.integer == Int64(count - 1))
            await harness.end()
        }

        @Test func aHoldNamesWhatItsRefusalHadEndedAndItsCommandBringsThatBack() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            try await harness.waitUntilConsuming()
            try await harness.publish(DaemonHarness.body("good", account: "acc1", token: "album-good"))
            _ = try await harness.take("results", atLeast: 1)
            try await harness.faults(#"{"actions":[{"wording":"wrong_path"}]}"#)
            // Somebody succeeded a moment ago, so the first refusal is the job's own, and the second is everybody's.
            try await harness.publish(DaemonHarness.body("r-1", account: "acc2", token: "album-r1"))
            let ended = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(ended.first?.reason == "unexpected_status")
            try await harness.publish(DaemonHarness.body("r-2", account: "acc3", token: "album-r2"))
            try await eventually("it holds") { await harness.log.contains("cause=endpoint_misconfigured") }

            let command = "leave-albumd dead redrive --job=r-1"
            let log = await harness.log
            #expect(log.contains(#"tried=0 ended=1 redrive="\#(command)""#), "\(log)")
            let held = lines(try await harness.command("holds", "--json").text).first?["holds"]?.elements?.first
            #expect(held?["ended"] == .array([.text("r-1")]) && held?["redrive"]?.text == command)
            #expect(held?["tried"]?.integer != nil)
            let text = try await harness.command("holds").text
            #expect(text.contains("TRIED") && text.contains("\n  \(command)\n"), "\(text)")
            #expect(try await harness.command("status").text.contains(command))

            try await harness.clearFaults()
            let resumed = try await harness.command("resume", "endpoint_misconfigured")
            #expect(resumed.ending == .exited(0) && resumed.text.contains("jobs test the holds now"), "\(resumed)")
            try await harness.publish(DaemonHarness.body("r-3", account: "acc4", token: "album-r3"))
            let rest = try await harness.take("results", atLeast: 2).map(ReadResult.init)
            #expect(rest.allSatisfy { $0.outcome == "left" && $0.json["attempts"]?.integer == 0 }, "\(rest)")
            let again = try await harness.command("dead", "redrive", "--job=r-1", "--job=r-9")
            #expect(again.text.contains("1 run again"), "\(again.text)")
            let back = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(back.map(\.messageID) == ["r-1#1"] && back.first?.outcome == "left")
            await harness.end()
        }

        @Test func aPauseOutlivesTheDaemonAndEverythingSaysWhy() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            try await harness.waitUntilConsuming()
            #expect(try await harness.command("pause").ending == .exited(0))
            try await harness.publish(DaemonHarness.body("one", account: "acc1", token: "album-one"))
            let held = try await harness.command("holds")
            #expect(held.text.contains("operator_paused"), "\(held)")
            #expect(try await harness.command("status").text.contains("hold:operator_paused"))
            try await harness.stopInOrder()
            try await harness.start()
            try await eventually("it says that it is paused") {
                try await harness.command("status").text.contains("operator_paused")
            }
            #expect(try harness.calls().isEmpty)
            #expect(try await harness.command("queues").text.contains("\(harness.prefix).jobs"))
            #expect(try await harness.command("quota", "--json").ending == .exited(0))
            #expect(try await harness.command("resume", "broker_blocked").ending == .exited(1))
            #expect(try await harness.command("resume", "no_such_hold").ending == .exited(65))
            #expect(try await harness.command("resume").ending == .exited(0))
            let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(results.first?.outcome == "left")
            #expect(try await harness.command("probe").ending == .exited(1), "there is nothing to test")
            #expect(try await harness.command("holds").text.contains("nothing is on hold"))
            await harness.end()
        }
    }
}
