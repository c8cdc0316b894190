import Clocks
import Concurrency
import Foundation
package import Ledger
import LedgerDatabase
package import PrivateDatabase
import SQLiteLedger
import SharedLedger

@testable package import PostgresLedger

/// A ledger of a test's own, and what is needed to be rid of it.
package struct HarnessLedger: Sendable {
    /// Over which ledgers the same tests run.
    package enum Kind: String, CaseIterable, Sendable {
        case memory, sqlite, postgres

        /// Names the one of a run.
        package static let variable = "LEAVE_ALBUMD_PIPELINE_LEDGER"

        package static let ofTheRun: Kind = {
            guard let name = ProcessInfo.processInfo.environment[variable], !name.isEmpty else { return .sqlite }
            guard let kind = Kind(rawValue: name) else { preconditionFailure("\(variable) names no ledger: \(name)") }
            return kind
        }()

        /// Whether it has a history, and answers what operators ask.
        package var keepsAll: Bool { self != .memory }
    }

    let jobs: any JobLedger
    /// Nil where there is only what the pipeline needs.
    let keeping: (any LedgerKeeping)?
    let end: @Sendable () async -> Void

    /// A lease is over when the grace after an unheard call is: one worker alone waits for no lease of its own.
    static let durations = LeaseDurations(sendWindow: .seconds(1), callTimeout: .seconds(2), grace: .seconds(1))

    static func open(_ kind: Kind, _ clock: ManualClock) async throws -> HarnessLedger {
        switch kind {
        case .memory:
            HarnessLedger(
                jobs: SharedMemoryLedger(SharedJobs(), durations: durations, clock: clock), keeping: nil, end: {})
        case .sqlite: try sqlite()
        case .postgres: try await postgres(clock)
        }
    }

    private static func sqlite() throws -> HarnessLedger {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("site-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appendingPathComponent("ledger").path
        guard let lock = try LedgerLock.take(ledger: path) else { throw CocoaError(.fileLocking) }
        let ledger = try EmbeddedLedger(path: path, durability: .normal, lock: lock, clock: SystemTimeSource())
        return HarnessLedger(jobs: ledger, keeping: ledger) {
            await ledger.close(within: closeTime)
            try? FileManager.default.removeItem(at: folder)
        }
    }

    private static func postgres(_ clock: ManualClock) async throws -> HarnessLedger {
        let server = try await LedgerServer.shared.begin()
        do {
            let database = try await ManualDatabase(on: server, by: clock)
            let ledger = try await database.join("a", durations: durations)
            return HarnessLedger(jobs: ledger, keeping: ledger) {
                await ledger.close(within: closeTime)
                await LedgerServer.shared.end()
            }
        } catch {
            await LedgerServer.shared.end()
            throw error
        }
    }

    private static let closeTime = Duration.seconds(5)
}

/// A database whose clock is a test's, so that leases in it end when the test says so: `now()` is a function of the test's
/// own there, which reads a file that the test's clock writes.
package struct ManualDatabase: Sendable {
    private let configuration: PostgresConfiguration
    private let clock: ManualClock

    /// It answers in its own time: nothing in it may end for a clock that has leapt meanwhile.
    private static let forever = Duration.seconds(100 * 366 * 86_400)

    package init(on server: PrivateDatabase, by clock: ManualClock) async throws {
        self.clock = clock
        let name = try await LedgerServer.shared.freshDatabase(on: server)
        let file = URL(fileURLWithPath: server.socketDirectory).appendingPathComponent("clock-of-\(name)")
        clock.onMove { time in
            do {
                try Data("\(time.milliseconds)".utf8).write(to: file, options: .atomic)
            } catch {
                preconditionFailure("the database's clock: \(error)")
            }
        }
        try await server.run(
            """
            CREATE SCHEMA manual;
            CREATE FUNCTION manual.now() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER
            SET search_path = pg_catalog AS
            $$ SELECT 'epoch'::timestamptz + pg_read_file('\(file.path)')::bigint * interval '1 millisecond' $$;
            CREATE FUNCTION manual.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS
            $$ SELECT manual.now() $$;
            GRANT USAGE ON SCHEMA manual TO public;
            ALTER DATABASE \(name) SET search_path = manual, pg_catalog;
            """, database: name)
        configuration = try LedgerServer.configuration(of: server, database: name)
    }

    package func join(_ name: String, durations: LeaseDurations) async throws -> DatabaseLedger {
        var parts = DatabaseLedger.Parts(configuration: configuration, durations: durations, clock: clock)
        parts.batchTimeout = Self.forever
        parts.lifetime = Self.forever
        parts.configuration.connectTimeout = Self.forever
        return try await DatabaseLedger.open(parts, member: MemberDescription(name: name, version: "1"))
    }
}
