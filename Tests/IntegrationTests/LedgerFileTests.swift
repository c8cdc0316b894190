import Foundation
import Jobs
import Ledger
import PrivateBroker
import Testing

extension OnABroker {
    /// The ledger's file is moved, replaced, linked or emptied around a daemon that runs.
    @Suite struct LedgerFile {
        private func ledger(_ stage: Stage, _ suffix: String = "") -> URL {
            stage.directory.file("ledger.sqlite3\(suffix)")
        }

        /// Without the journals of copies, which come and go with each record.
        private func rescued(_ stage: Stage) -> [String] { SQLiteLedger.rescued(path: ledger(stage).path) }

        private func done(_ ids: ClosedRange<Int>, _ stage: Stage, _ reader: ResultReader) async throws {
            for number in ids {
                try await stage.publish(
                    Stage.body("f\(number)", account: "acc\(number % 50 + 1)", token: "album-f\(number)"))
            }
            try await eventually("they are done") { reader.jobs >= ids.upperBound }
        }

        @Test func aBackupMovedOverTheLedgerIsNoticedSavedAndRestoredAndNothingIsCalledTwice() async throws {
            let stage = try await Stage()
            let reader = try ResultReader(stage)
            try await stage.start()
            try await stage.waitUntilConsuming()
            try await done(1...20, stage, reader)
            let backup = stage.directory.file("backup.sqlite3")
            #expect(try await stage.command("ledger", "backup", backup.path).ending == .exited(0))
            try await done(21...40, stage, reader)
            // One that is being called when it happens, and long after.
            try await stage.faults(
                #"{"token":"album-slow","count":1,"actions":[{"fault":"delay","milliseconds":14000}]}"#)
            try await stage.publish(Stage.body("slow", account: "acc1", token: "album-slow"))
            try await eventually("the call is on its way") { try stage.calls().count == 41 }
            #expect(rename(backup.path, ledger(stage).path) == 0)
            try await eventually("it holds") { await stage.log.contains("cause=ledger_unavailable") }

            let copy = try #require(rescued(stage).first)
            let log = await stage.log
            #expect(log.contains("leave-albumd ledger restore \(copy)"), "\(log)")
            let status = try await stage.command("status").text
            #expect(status.contains("ledger_unavailable") && status.contains("ledger restore \(copy)"), "\(status)")
            let ready = try await stage.endpoint("/readyz")
            #expect(ready.status == 503 && ready.text.hasPrefix("hold:ledger_unavailable"))
            #expect(try await stage.command("job", "f21").ending != .exited(0), "what lies there is not asked")
            for number in 41...45 {
                try await stage.publish(Stage.body("f\(number)", account: "acc9", token: "album-f\(number)"))
            }
            try await eventually("what was being called has its result") { !reader.of("slow").isEmpty }
            #expect(reader.of("slow").first?.outcome == "left")
            #expect(try stage.calls().count == 41, "no job begins")
            let early = try await stage.command("ledger", "restore", copy)
            #expect(early.ending == .exited(75) && early.text.contains("stop the daemon first"), "\(early.text)")
            try await stage.stopInOrder()
            #expect(rescued(stage) == [copy], "once")

            let restored = try await stage.command("ledger", "restore", copy)
            #expect(restored.ending == .exited(0), "\(restored.text)")
            #expect(try await stage.command("ledger", "verify").ending == .exited(0))
            try await stage.start()
            try await eventually("what waited is done") { reader.jobs == 46 }
            // Those that no backup knew, sent again.
            for id in ["f30", "slow"] {
                let number = Int(id.dropFirst()) ?? 0
                try await stage.publish(
                    Stage.body(id, account: "acc\(id == "slow" ? 1 : number % 50 + 1)", token: "album-\(id)"))
                try await eventually("\(id) is answered again") { reader.of(id).count >= 2 }
                #expect(Set(reader.of(id).map(\.body)).count == 1, "\(id): one body under its message-id")
            }
            try await stage.stopInOrder()
            reader.stop()
            let calls = Dictionary(grouping: try stage.calls(), by: \.token)
            #expect(calls.count == 46 && calls.values.allSatisfy { $0.count == 1 })
            #expect(await stage.log.contains("a copy is beside the ledger"), "until somebody removes it")
            await stage.end()
        }

        @Test func aLedgerThatIsMovedBackIsGoneOnWith() async throws {
            let stage = try await Stage()
            let reader = try ResultReader(stage)
            try await stage.start()
            try await stage.waitUntilConsuming()
            try await done(1...10, stage, reader)
            let away = stage.directory.file("away")
            try FileManager.default.moveItem(at: ledger(stage), to: away)
            try await eventually("it holds") { await stage.log.contains("cause=ledger_unavailable") }
            try await stage.publish(Stage.body("waits", account: "acc1", token: "album-waits"))
            try FileManager.default.moveItem(at: away, to: ledger(stage))
            try await eventually("it is done") { !reader.of("waits").isEmpty }
            let log = await stage.log
            #expect(log.contains("hold lifted cause=ledger_unavailable"), "\(log)")
            try await stage.stopInOrder()
            reader.stop()
            #expect(try await stage.command("ledger", "verify").ending == .exited(0))
            #expect(try stage.calls().count == 11)
            await stage.end()
        }

        @Test func aSecondDaemonOnAHardLinkOfTheLedgerStandsBy() async throws {
            let stage = try await Stage()
            try await stage.start()
            try await stage.waitUntilConsuming()
            let link = stage.directory.file("link.sqlite3")
            try FileManager.default.linkItem(at: ledger(stage), to: link)
            let second = try ChildProcess(
                [
                    Stage.products.appendingPathComponent("leave-albumd").path, "run", "--config",
                    stage.directory.file("d.toml").path,
                ],
                environment: [
                    "LEAVE_ALBUMD_LEDGER_PATH": link.path,
                    "LEAVE_ALBUMD_ADMIN_CONTROL_SOCKET": stage.directory.file("second.sock").path,
                ], output: stage.directory.file("second.out"))
            try await eventually("it waits for the file") { second.text.contains("another worker has the ledger") }
            #expect(!second.text.contains("working"))
            second.signal(SIGTERM)
            #expect(await second.wait(seconds: 20) == .exited(0), "\(second.text)")
            try await stage.stopInOrder()
            await stage.end()
        }

        @Test func anEmptyFileBesideFullQueuesIsRefused() async throws {
            let stage = try await Stage()
            try await stage.publish(Stage.body("waits", account: "acc1", token: "album-waits"))
            try Data().write(to: ledger(stage))
            let refused = try await stage.command("run")
            #expect(refused.ending == .exited(78), "\(refused.text)")
            #expect(refused.text.contains("the file that is there holds none"), "\(refused.text)")
            try FileManager.default.removeItem(at: ledger(stage))
            try Data("what was saved".utf8).write(to: ledger(stage, ".rescued-1"))
            let forgotten = try await stage.command("run")
            #expect(forgotten.ending == .exited(78), "\(forgotten.text)")
            #expect(forgotten.text.contains("ledger restore \(ledger(stage, ".rescued-1").path)"))
            await stage.end()
        }

        /// Parked jobs, and then a ledger that knows nothing of them.
        @Test func copiesThatKnowMoreThanTheLedgerAreToldAndCounted() async throws {
            let stage = try await Stage(settings: "[retry]\ndelays = [\"1s\", \"5s\"]\n")
            try await stage.faults(#"{"actions":[{"wording":"unavailable"}]}"#)
            try await stage.start()
            try await stage.waitUntilConsuming()
            for number in 1...2 {
                try await stage.publish(Stage.body("p\(number)", account: "acc\(number)", token: "album-p\(number)"))
            }
            try await eventually("both are parked, or it holds") {
                try await stage.depth("retry.1s") + stage.depth("retry.5s") + stage.depth("due") == 2
            }
            await stage.daemon?.signal(SIGKILL)
            _ = await stage.daemon?.wait(seconds: 10)
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(at: ledger(stage, suffix)) }
            try await stage.clearFaults()
            try await stage.start()
            _ = try await stage.take("results", atLeast: 2, seconds: 60)
            let log = await stage.log
            #expect(log.contains("knows more of its job than the ledger"), "\(log)")
            let counted = try await stage.metric("leave_album_ledger_behind_total")
            #expect(Int(counted ?? "") ?? 0 >= 1, "\(counted ?? "none")")
            try await stage.stopInOrder()
            await stage.end()
        }
    }

    /// Nothing of these needs a broker, but for the words after theirs.
    @Suite struct LedgerPlace {
        @Test func aNetworkFileSystemIsRefusedByRunAndByTheLiveCheck() async throws {
            let stage = try await Stage()
            let daemon = try ChildProcess(
                [
                    Stage.products.appendingPathComponent("leave-albumd").path, "run", "--new-ledger", "--config",
                    stage.directory.file("d.toml").path,
                ], environment: ["ALBUMD_TEST_FILE_SYSTEM": "26985"], output: stage.directory.file("nfs.out"))
            #expect(await daemon.wait(seconds: 20) == .exited(78), "\(daemon.text)")
            #expect(daemon.text.contains("(NFS)") && daemon.text.contains("local disk"), "\(daemon.text)")
            #expect(!FileManager.default.fileExists(atPath: stage.directory.file("ledger.sqlite3.lock").path))
            let check = try ChildProcess(
                [
                    Stage.products.appendingPathComponent("leave-albumd").path, "check", "--live", "--config",
                    stage.directory.file("d.toml").path,
                ], environment: ["ALBUMD_TEST_FILE_SYSTEM": "\(0x6573_5546)"],
                output: stage.directory.file("fuse.out"))
            #expect(await check.wait(seconds: 60) == .exited(78), "\(check.text)")
            #expect(check.text.contains("(FUSE)"), "\(check.text)")
            await stage.end()
        }
    }
}
