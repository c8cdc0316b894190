import Foundation
import PrivateBroker
import Testing

extension ServiceOnABroker {
    /// What a job costs in the log and in memory. `docs/sizing.md` has the figures.
    @Suite struct Sizing {
        /// `LEAVE_ALBUMD_TEST_SIZING_JOBS=10000` for the table of the document.
        @Test(arguments: ["text", "json"]) func aJobLogsOneLine(format: String) async throws {
            let jobs = ProcessInfo.processInfo.environment["LEAVE_ALBUMD_TEST_SIZING_JOBS"].flatMap(Int.init) ?? 500
            let harness = try await DaemonHarness()
            let reader = try ResultReader(harness)
            try await harness.start(environment: ["LEAVE_ALBUMD_LOG_FORMAT": format])
            let queue = "\(harness.prefix).due,"
            try await eventually("it consumes") { await harness.log.contains(queue) }
            let before = await harness.log.utf8.count
            try await harness.inParallel(0..<jobs) { number in
                let id = "0f6f5b5c-7c2c-4c56-9a39-\("000000000000\(number)".suffix(12))"
                try await harness.publish(
                    DaemonHarness.body(id, account: "acc\(number % 50 + 1)", token: "album-\(number)"))
            }
            try await eventually("all are done") { reader.jobs == jobs }
            try await eventually("nothing is in hand") { try await harness.isQuiet() }
            let log = await harness.log
            let bytes = Double(log.utf8.count - before) / Double(jobs)
            let usage = try await harness.usage()
            print("\(format): \(Int(bytes)) bytes of log a job, \(usage.peakKiB / 1024) MiB at most, \(jobs) jobs")
            #expect(bytes < 400)
            try await harness.stopInOrder()
            reader.stop()
            let file = harness.directory.file("ledger.sqlite3").path
            let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
            print("\(format): \(size / jobs) bytes of ledger a job")
            #expect(size > 0 && size / jobs < 1_500)
            await harness.end()
        }
    }
}
