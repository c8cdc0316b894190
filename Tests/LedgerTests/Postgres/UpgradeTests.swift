import Clocks
import Concurrency
import LedgerDatabase
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// The schema changes under daemons that work: they go on, and no step is made that one of them cannot work with.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct UpgradeTests {
    /// This program's schema, as the next one makes it: something more, then something less.
    private static let expanded =
        PostgresSchema.steps + [.expands(["ALTER TABLE leave_album.jobs ADD COLUMN added int"])]
    private static let contracted =
        expanded + [
            .contracts(oldest: expanded.count, ["ALTER TABLE leave_album.accounts DROP COLUMN step"])
        ]

    /// That this program's schema lets in.
    private static let oldest = PostgresSchema.steps.oldest(after: PostgresSchema.version)
    private static let schemas = PostgresSchema.needed...PostgresSchema.version

    @discardableResult
    private func declare(
        _ steps: [SchemaStep], on database: SharedDatabase, contracts: Bool = false,
        lockTries: Int = 20
    ) async throws -> PostgresDeclaration.Outcome {
        let configuration = try database.configuration(port: database.server.port, as: LedgerServer.owner)
        return try await onThread {
            try PostgresDeclaration.declare(
                configuration, workerRole: LedgerServer.worker, contracts: contracts, program: "leave-albumd 9.0",
                steps: steps, lockTries: .init(count: lockTries, pause: .milliseconds(20)))
        }
    }

    private func version(_ database: SharedDatabase) async throws -> String {
        try await database.run("SELECT schema, compatible_with FROM leave_album.cluster")
    }

    private func refusal(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// As if it were one of a program that knows no newer version.
    private func date(_ ledger: DatabaseLedger, _ version: Int, on database: SharedDatabase) async throws {
        let epoch = try #require(ledger.epoch)
        try await database.run("UPDATE leave_album.instances SET schema = \(version) WHERE epoch = \(epoch)")
    }

    @Test func whatOnlyAddsIsMadeUnderDaemonsThatWorkAndLetsMoreOfThemIn() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join("old")
        let before = try #require(try await ledger.lease(Sample.arrival("before")))
        let made = try await declare(Self.expanded, on: database)
        #expect(made.version == Self.expanded.count && made.contraction == nil)
        #expect(try await version(database) == "\(Self.expanded.count)|\(Self.oldest)")
        let record = Sample.finished(Sample.arrival("before"))
        #expect(try await ledger.record(record, under: before, isUnheard: false) == .copy(0))
        #expect(try await ledger.lease(Sample.arrival("after")) != nil)
        let next = try await database.join("old too")
        #expect(try await next.members().map(\.schema) == [Self.schemas, Self.schemas])
        for ledger in [ledger, next] { await ledger.close(within: DatabaseLedger.closeTime) }
    }

    @Test func whatTakesAwayIsLeftForLaterAndRefusedWhileADaemonNeedsIt() async throws {
        let database = try await SharedDatabase()
        let old = try await database.join("worker-2")
        let made = try await declare(Self.contracted, on: database)
        #expect(made.version == Self.expanded.count)
        #expect(made.contraction == .init(version: Self.contracted.count, oldest: Self.expanded.count))
        let refused = await refusal { try await declare(Self.contracted, on: database, contracts: true) }
        #expect(refused?.contains("worker-2#1 (1)") == true && refused?.contains("15 s") == true, "\(refused ?? "")")
        #expect(try await version(database) == "\(Self.expanded.count)|\(Self.oldest)", "nothing of it was made")
        #expect(try await old.lease() != nil)
        try await date(old, Self.expanded.count, on: database)
        let done = try await declare(Self.contracted, on: database, contracts: true)
        #expect(done.version == Self.contracted.count && done.contraction == nil)
        #expect(try await version(database) == "\(Self.contracted.count)|\(Self.expanded.count)")
        await old.close(within: DatabaseLedger.closeTime)
        let late = await refusal { _ = try await database.join("worker-3") }
        #expect(late?.contains("install leave-albumd 9.0 here too") == true, "\(late ?? "")")
    }

    @Test func whoeverWasTakenForDeadAndNeedsWhatIsGoneDoesNotComeBack() async throws {
        let database = try await SharedDatabase()
        let (refused, heard) = (AsyncSignal(), Lock<LedgerError?>(nil))
        let old = try await database.join("worker-2") {
            $0.heartbeatInterval = .milliseconds(200)
            $0.lifetime = .milliseconds(1)
            $0.onHealth = { health in
                guard case .unavailable(.unusable(let why)) = health else { return }
                heard.withLock { $0 = .unusable(why) }
                refused.signal()
            }
        }
        // Overdue for ever, it is dead to whoever declares.
        while await refusal({ try await declare(Self.contracted, on: database, contracts: true) }) != nil {}
        await refused.wait(for: 1, until: SystemTimeSource().now() + .seconds(60), by: SystemTimeSource())
        let why = heard.withLock { $0 }.map { "\($0)" } ?? ""
        #expect(why.contains("knows versions up to \(PostgresSchema.version)"), "\(why)")
        await old.close(within: DatabaseLedger.closeTime)
        #expect(
            try await database.run("SELECT count(*) FROM leave_album.instances WHERE state IN ('working', 'draining')")
                == "0")
    }

    @Test func anEmptyDatabaseIsMadeWholeAtOnce() async throws {
        let database = try await SharedDatabase()
        try await database.run("DROP SCHEMA leave_album CASCADE")
        let made = try await declare(Self.contracted, on: database)
        #expect(made.versionBefore == nil && made.version == Self.contracted.count && made.contraction == nil)
    }

    /// Each transaction that is ended leaves a schema which lets in whom it can serve.
    @Test func aDeclarationThatIsCutOffBetweenItsStepsKeepsNobodyOut() async throws {
        let database = try await SharedDatabase()
        let steps = Self.expanded + [.expands(["CREATE TABLE leave_album.jobs ()"])]
        #expect(await refusal { try await declare(steps, on: database) } != nil)
        #expect(try await version(database) == "\(Self.expanded.count)|\(Self.oldest)")
        let ledger = try await database.join()
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func aStepThatFindsItsTableLockedLetsDaemonsPassAndIsMadeWhenItIsFree() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join()
        let blocker = try database.configuration(port: database.server.port, as: LedgerServer.owner)
        let (isLocked, mayEnd) = (AsyncSignal(), Lock(false))
        async let locking: Void = onThread {
            // As a dump does: read locks, for as long as it takes.
            var connection = try PostgresTransfer(try LedgerOpening.connect(blocker))
            try connection.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try connection.run("SELECT count(*) FROM leave_album.jobs")
            isLocked.signal()
            while !mayEnd.withLock({ $0 }) { try connection.pause(for: .milliseconds(20)) }
            try connection.commit()
        }
        await isLocked.wait(for: 1, until: SystemTimeSource().now() + .seconds(60), by: SystemTimeSource())
        // As often as this machine takes for what stands behind them.
        async let declared = declare(Self.expanded, on: database, lockTries: .max)
        for number in 0..<3 { #expect(try await ledger.lease(Sample.arrival("job-\(number)")) != nil) }
        mayEnd.withLock { $0 = true }
        try await locking
        #expect(try await declared.version == Self.expanded.count)
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func theStepsSayWhomTheyLetIn() {
        #expect(Self.contracted.needed == Self.expanded.count)
        #expect(Self.expanded.oldest(after: Self.expanded.count) == Self.oldest)
        #expect(Self.contracted.oldest(after: Self.contracted.count) == Self.expanded.count)
        #expect(PostgresSchema.needed <= PostgresSchema.version)
    }
}
