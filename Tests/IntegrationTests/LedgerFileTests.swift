import Foundation
import Jobs
import PrivateBroker
import SQLiteLedger
import Testing

extension ServiceOnABroker {
    /// The ledger's file is moved, replaced, linked or emptied around a daemon that runs.
    @Suite struct LedgerFile {
        private func ledger(_ harness: DaemonHarness, _ suffix: String = "") -> URL {
            harness.directory.file("ledger.sqlite3\(suffix)")
        }

        /// Without the journals of copies, which come and go with each record.
        private func rescued(_ harness: DaemonHarness) -> [String] {
            EmbeddedLedger.rescued(path: ledger(harness).path)
        }

        private func done(_ ids: ClosedRange<Int>, _ harness: DaemonHarness, _ reader: ResultReader) async throws {
            for number in ids {
                try await harness.publish(
                    DaemonHarness.body("f\(number)", account: "acc\(number % 50 + 1)", token: "album-f\(number)"))
            }
            try await eventually("they are done") { reader.jobs >= ids.upperBound }
        }

        @Test func aBackupMovedOverTheLedgerIsNoticedSavedAndRestoredAndNothingIsCalledTwice() async throws {
            let harness = try await DaemonHarness()
            let reader = try ResultReader(harness)
            try await harness.start()
            try await harness.waitUntilConsuming()
            try await done(1...20, harness, reader)
            let backup = harness.directory.file("backup.sqlite3")
            #expect(try await harness.command("ledger", "backup", backup.path).ending == .exited(0))
            try await done(21...40, harness, reader)
            // One that is being called when it happens, and long after.
            try await harness.faults(
                #"{"token":"album-slow","count":1,"actions":[{"fault":"delay","milliseconds":14000}]}"#)
            try await harness.publish(DaemonHarness.body("slow", account: "acc1", token: "album-slow"))
            try await eventually("the call is on its way") { try harness.calls().count == 41 }
            #expect(rename(backup.path, ledger(harness).path) == 0)
            try await eventually("it holds") { await harness.log.contains("cause=ledger_unavailable") }

            let copy = try #require(rescued(harness).first)
            let log = await harness.log
            #expect(log.contains("leave-albumd ledger restore \(copy)"), "\(log)")
            let status = try await harness.command("status").text
            #expect(status.contains("ledger_unavailable") && status.contains("ledger restore \(copy)"), "\(status)")
            let ready = try await harness.endpoint("/readyz")
            #expect(ready.status == 503 && ready.text.hasPrefix("hold:ledger_unavailable"))
            #expect(try await harness.command("job", "f21").ending != .exited(0), "what lies there is not asked")
            for number in 41...45 {
                try await harness.publish(DaemonHarness.body("f\(number)", account: "acc9", token: "album-f\(number)"))
            }
            try await eventually("what was being called has its result") { !reader.of("slow").isEmpty }
            #expect(reader.of("slow").first?.outcome == "left")
            #expect(try harness.calls().count == 41, "no job begins")
            let early = try await harness.command("ledger", "restore", copy)
            #expect(early.ending == .exited(75) && early.text.contains("stop the daemon first"), "\(early.text)")
            try await harness.stopInOrder()
            #expect(rescued(harness) == [copy], "once")

            let restored = try await harness.command("ledger", "restore", copy)
            #expect(restored.ending == .exited(0), "\(restored.text)")
            #expect(try await harness.command("ledger", "verify").ending == .exited(0))
            try await harness.start()
            try await eventually("what waited is done") { reader.jobs == 46 }
            // Those that no backup knew, sent again.
            for id in ["f30", "slow"] {
                let number = Int(id.dropFirst()) ?? 0
                try await harness.publish(
                    DaemonHarness.body(id, account: "acc\(id == "slow" ? 1 : number % 50 + 1)", token: "album-\(id)"))
                try await eventually("\(id) is answered again") { reader.of(id).count >= 2 }
                #expect(Set(reader.of(id).map(\.body)).count == 1, "\(id): one body under its message-id")
            }
            try await harness.stopInOrder()
            reader.stop()
            let calls = Dictionary(grouping: try harness.calls(), by: \.token)
            #expect(calls.count == 46 && calls.values.allSatisfy { $0.count == 1 })
            #expect(await harness.log.contains("a copy is beside the ledger"), "until somebody removes it")
            await harness.end()
        }

        @Test func aLedgerThatIsMovedBackIsGoneOnWith() async throws {
            let harness = try await DaemonHarness()
            let reader = try ResultReader(harness)
            try await harness.start()
            try await harness.waitUntilConsuming()
            try await done(1...10, harness, reader)
            let away = harness.directory.file("away")
            try FileManager.default.moveItem(at: ledger(harness), to: away)
            try await eventually("it holds") { await harness.log.contains("cause=ledger_unavailable") }
            try await harness.publish(DaemonHarness.body("waits", account: "acc1", token: "album-waits"))
            try FileManager.default.moveItem(at: away, to: ledger(harness))
            try await eventually("it is done") { !reader.of("waits").isEmpty }
            let log = await harness.log
            #expect(log.contains("hold lifted cause=ledger_unavailable"), "\(log)")
            try await harness.stopInOrder()
            reader.stop()
            #expect(try await harness.command("ledger", "verify").ending == .exited(0))
            #expect(try harness.calls().count == 11)
            await harness.end()
        }

        @Test func aSecondDaemonOnAHardLinkOfTheLedgerStandsBy() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            try await harness.waitUntilConsuming()
            let link = harness.directory.file("link.sqlite3")
            try FileManager.default.linkItem(at: ledger(harness), to: link)
            let second = try ChildProcess(
                [
                    DaemonHarness.products.appendingPathComponent("leave-albumd").path, "run", "--config",
                    harness.directory.file("d.toml").path,
                ],
                environment: [
                    "LEAVE_ALBUMD_LEDGER_PATH": link.path,
                    "LEAVE_ALBUMD_ADMIN_CONTROL_SOCKET": harness.directory.file("second.sock").path,
                ], output: harness.directory.file("second.out"))
            try await eventually("it waits for the file") { second.text.contains("another worker has the ledger") }
            #expect(!second.text.contains("working"))
            second.signal(SIGTERM)
            #expect(await second.wait() == .exited(0), "\(second.text)")
            try await harness.stopInOrder()
            await harness.end()
        }

        @Test func anEmptyFileBesideFullQueuesIsRefused() async throws {
            let harness = try await DaemonHarness()
            try await harness.publish(DaemonHarness.body("waits", account: "acc1", token: "album-waits"))
            try Data().write(to: ledger(harness))
            let refused = try await harness.command("run")
            #expect(refused.ending == .exited(78), "\(refused.text)")
            #expect(refused.text.contains("the file that is there holds none"), "\(refused.text)")
            try FileManager.default.removeItem(at: ledger(harness))
            try Data("what was saved".utf8).write(to: ledger(harness, ".rescued-1"))
            let forgotten = try await harness.command("run")
            #expect(forgotten.ending == .exited(78), "\(forgotten.text)")
            #expect(forgotten.text.contains("ledger restore \(ledger(harness, ".rescued-1").path)"))
            await harness.end()
        }

        /// Parked jobs, and then a ledger that knows nothing of them.
        @Test func copiesThatKnowMoreThanTheLedgerAreLoggedAndCounted() async throws {
            let harness = try await DaemonHarness(settings: "[retry]\ndelays = [\"1s\", \"5s\"]\n")
            try await harness.faults(#"{"actions":[{"wording":"unavailable"}]}"#)
            try await harness.start()
            try await harness.waitUntilConsuming()
            for number in 1...2 {
                try await harness.publish(
                    DaemonHarness.body("p\(number)", account: "acc\(number)", token: "album-p\(number)"))
            }
            try await eventually("both are parked, or it holds") {
                try await harness.depth("retry.1s") + harness.depth("retry.5s") + harness.depth("due") == 2
            }
            await harness.daemon?.signal(SIGKILL)
            _ = await harness.daemon?.wait()
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(at: ledger(harness, suffix)) }
            try await harness.clearFaults()
            try await harness.start()
            _ = try await harness.take("results", atLeast: 2)
            let log = await harness.log
            #expect(log.contains("knows more of its job than the ledger"), "\(log)")
            let counted = try await harness.metric("leave_album_ledger_behind_total")
            #expect(Int(counted ?? "") ?? 0 >= 1, "\(counted ?? "none")")
            try await harness.stopInOrder()
            await harness.end()
        }
    }

    /// Nothing of these needs a broker, but for the words after theirs.
    @Suite struct LedgerPlace {
        @Test func aNetworkFileSystemIsRefusedByRunAndByTheLiveCheck() async throws {
            let harness = try await DaemonHarness()
            let daemon = try ChildProcess(
                [
                    DaemonHarness.products.appendingPathComponent("leave-albumd").path, "run", "--new-ledger",
                    "--config",
                    harness.directory.file("d.toml").path,
                ], environment: ["ALBUMD_TEST_FILE_SYSTEM": "26985"], output: harness.directory.file("nfs.out"))
            #expect(await daemon.wait() == .exited(78), "\(daemon.text)")
            #expect(daemon.text.contains("(NFS)") && daemon.text.contains("local disk"), "\(daemon.text)")
            #expect(!FileManager.default.fileExists(atPath: harness.directory.file("ledger.sqlite3.lock").path))
            let check = try ChildProcess(
                [
                    DaemonHarness.products.appendingPathComponent("leave-albumd").path, "check", "--live", "--config",
                    harness.directory.file("d.toml").path,
                ], environment: ["ALBUMD_TEST_FILE_SYSTEM": "\(0x6573_5546)"],
                output: harness.directory.file("fuse.out"))
            #expect(await check.wait() == .exited(78), "\(check.text)")
            #expect(check.text.contains("(FUSE)"), "\(check.text)")
            await harness.end()
        }
    }
}
