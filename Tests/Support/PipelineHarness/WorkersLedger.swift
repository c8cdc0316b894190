package import Jobs
package import Ledger
import LedgerDatabase
import SharedLedger

@testable import PostgresLedger

/// One ledger that some workers have in common, as each of them sees it and as a test does.
package struct WorkersLedger: Sendable {
    /// One of each worker.
    package let ledgers: [WatchedLedger]
    private let readRow: @Sendable (JobID) async throws -> LedgerRow?
    private let readSlots: @Sendable (AccountID) async throws -> [AccountSlot]
    private let close: @Sendable () async -> Void

    /// Over the database if the run's ledger is that, and in memory otherwise: a file is one worker's alone.
    package static func open(_ count: Int, _ clock: ManualClock, _ activity: Activity) async throws -> WorkersLedger {
        switch HarnessLedger.Kind.ofTheRun {
        case .memory, .sqlite: memory(count, clock, activity)
        case .postgres: try await postgres(count, clock, activity)
        }
    }

    /// Nil: the ledger has not met the job.
    package func row(_ id: JobID) async throws -> LedgerRow? { try await readRow(id) }

    /// Those that were ever taken, by their numbers.
    package func slots(of account: AccountID) async throws -> [AccountSlot] { try await readSlots(account) }

    package func end() async { await close() }

    private static func memory(_ count: Int, _ clock: ManualClock, _ activity: Activity) -> WorkersLedger {
        let jobs = SharedJobs()
        let ledgers = (0..<count).map { _ in
            watched(SharedMemoryLedger(jobs, clock: clock), clock, activity)
        }
        return WorkersLedger(
            ledgers: ledgers, readRow: { jobs.row($0) }, readSlots: { jobs.slots(of: $0) }, close: {})
    }

    private static func watched(
        _ ledger: any JobLedger, _ clock: ManualClock, _ activity: Activity
    ) -> WatchedLedger {
        WatchedLedger(
            HarnessLedger(jobs: ledger, keeping: nil, end: {}), activity: activity, clock: clock, waitsForMarks: true)
    }

    private static func postgres(
        _ count: Int, _ clock: ManualClock, _ activity: Activity
    ) async throws -> WorkersLedger {
        let server = try await LedgerServer.shared.begin()
        var opened: [DatabaseLedger] = []
        do {
            let database = try await ManualDatabase(on: server, by: clock)
            for number in 1...count {
                opened.append(try await database.join("m\(number)", durations: SharedMemoryLedger.durations))
            }
        } catch {
            for ledger in opened { await ledger.close(within: closeTime) }
            await LedgerServer.shared.end()
            throw error
        }
        let ledgers = opened
        return WorkersLedger(
            ledgers: ledgers.map { watched($0, clock, activity) },
            readRow: { id in try await ledgers[0].reader.ask(JobLoading.question([id], by: .nobody))[id]?.row },
            readSlots: { account in
                let slots = try await ledgers[0].reader.ask(AccountRows.question(account))
                return slots.sorted { $0.number < $1.number }
            },
            close: {
                for ledger in ledgers { await ledger.close(within: closeTime) }
                await LedgerServer.shared.end()
            })
    }

    private static let closeTime = Duration.seconds(5)
}

extension AccountRows {
    fileprivate static func question(_ account: AccountID) -> LedgerQuestion<[AccountSlot]> {
        var batch = PostgresBatch()
        addLoad([account], of: [], to: &batch)
        return LedgerQuestion(steps: batch.executions.map { ($0.statement, $0.parameters) }) {
            rows throws(PostgresDecodingError) in try decode(rows[rows.startIndex])[account] ?? []
        }
    }
}
