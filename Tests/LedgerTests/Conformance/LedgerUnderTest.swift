import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger
@testable import SQLiteLedger

/// Each implementation of the protocol, and what its tests must keep alive.
struct LedgerUnderTest {
    enum Kind: String, CaseIterable, Sendable {
        case memory
        case sqliteFull
        case sqliteNormal
        /// For suites with the trait `.withADatabase`.
        case postgres
    }

    let ledger: any JobLedger
    private let folder = TemporaryFolder()
    private var sqlite: EmbeddedLedger?
    private var postgres: DatabaseLedger?

    init(_ kind: Kind) async throws {
        switch kind {
        case .memory: ledger = MemoryLedger()
        case .sqliteFull, .sqliteNormal:
            let opened = try EmbeddedLedger.opened(folder, durability: kind == .sqliteFull ? .full : .normal)
            sqlite = opened
            ledger = opened
        case .postgres:
            let opened = try await DatabaseLedger.opened()
            postgres = opened
            ledger = SoleWorker(opened)
        }
    }

    /// Ends its threads and checks what it leaves.
    func close() async throws {
        if let sqlite {
            #expect(await sqlite.close(within: EmbeddedLedger.closeTime) == 0)
            #expect(try LedgerReader(path: folder.ledger).faults() == [])
            #expect(!LedgerFile(path: folder.ledger, durability: .normal).hasLogLeft)
        }
        if let postgres {
            #expect(try await postgres.verify() == [])
            #expect(await postgres.close(within: DatabaseLedger.closeTime) == 0)
        }
    }
}

/// Runs `body` over a ledger of that kind, and checks what it leaves.
func withLedger(_ kind: LedgerUnderTest.Kind, _ body: (any JobLedger) async throws -> Void) async throws {
    let subject = try await LedgerUnderTest(kind)
    try await body(subject.ledger)
    try await subject.close()
}

extension EmbeddedLedger {
    /// A ledger in a test's folder. `lock` is needed to open it twice in one test.
    static func opened(
        _ folder: TemporaryFolder, durability: Durability = .normal, lock: LedgerLock? = nil,
        clock: any TimeSource = SystemTimeSource(),
        onOpen: @escaping @Sendable (SQLiteConnection) throws(SQLiteFault) -> Void = { _ in },
        onHealth: @escaping @Sendable (LedgerHealth) -> Void = { _ in },
        onCommit: @escaping @Sendable (_ operations: Int, _ took: Duration) -> Void = { _, _ in },
        onCheck: @escaping @Sendable (_ faults: [String]) -> Void = { _ in },
        onBehind: @escaping @Sendable (Arrival) -> Void = { _ in }, checkInterval: Duration = PlaceWatch.interval
    ) throws -> EmbeddedLedger {
        try EmbeddedLedger(
            file: LedgerFile(
                path: folder.ledger, durability: durability, checkInterval: checkInterval, onOpen: onOpen),
            lock: try lock ?? #require(try LedgerLock.take(ledger: folder.ledger)), clock: clock, onHealth: onHealth,
            onCommit: onCommit, onCheck: onCheck, onBehind: onBehind)
    }
}
