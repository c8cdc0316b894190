import Clocks
import Foundation
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// What a job costs on the disk. `docs/sizing.md` has the figures.
@Suite struct SizingTests {
    /// `LEAVE_ALBUMD_TEST_ENTRIES=10000,100000,1000000` for the table of the document.
    @Test func aJobCostsLessThanAKilobyteAndTheLogIsBounded() async throws {
        let counts = (ProcessInfo.processInfo.environment["LEAVE_ALBUMD_TEST_ENTRIES"] ?? "4000")
            .split(separator: ",").compactMap { Int($0) }
        for count in counts {
            let folder = TemporaryFolder()
            let ledger = try EmbeddedLedger.opened(folder)
            var largestLog = 0
            let chunk = 1_000
            for start in stride(from: 0, to: count, by: chunk) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in start..<min(count, start + chunk) {
                        group.addTask { try await Self.job(number, ledger) }
                    }
                    try await group.waitForAll()
                }
                largestLog = max(largestLog, Self.size(folder.ledger + "-wal"))
            }
            let statistics = try await ledger.statistics()
            #expect(statistics.entries == count && statistics.unpublished == 0)
            await ledger.close(within: EmbeddedLedger.closeTime)
            let bytes = Self.size(folder.ledger)
            print("\(count) jobs: \(bytes) bytes, \(bytes / count) each; log at most \(largestLog) bytes")
            #expect(bytes / count < 1_024)
            #expect(largestLog < 64 << 20)
        }
    }

    /// The usual one: identities of the length of a UUID, a call, a result with everything in it.
    private static func job(_ number: Int, _ ledger: EmbeddedLedger) async throws {
        let digits = "000000000000\(number)".suffix(12)
        let id = "0f6f5b5c-7c2c-4c56-9a39-\(digits)"
        let arrival = Sample.arrival(id, account: "customer-\(digits)@example.org")
        _ = try await ledger.claim(Sample.claim(arrival))
        let body = """
            {"account":"customer-\(digits)@example.org","attempts":1,"completedAt":"2026-11-24T20:00:00.000Z",\
            "durationMs":1234,"effect":"left","generation":0,"httpStatus":200,"jobId":"\(id)",\
            "outcome":"left","requestedAt":"2026-11-24T19:59:58Z","version":1}
            """
        try await ledger.record(Sample.finished(arrival, body: body))
        ledger.mark(.result, of: JobID(id), generation: 0)
        ledger.note(
            JobEvent(
                jobID: JobID(id), generation: 0, at: Sample.start, kind: "verdict",
                detail: "200: left, by row 4 of the table"))
    }

    private static func size(_ path: String) -> Int {
        ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int) ?? 0
    }
}
