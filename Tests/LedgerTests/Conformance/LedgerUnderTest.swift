import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// Each implementation of the protocol, and what its tests must keep alive.
struct LedgerUnderTest {
    enum Kind: String, CaseIterable, Sendable {
        case memory
        case sqliteFull
        case sqliteNormal
    }

    let ledger: any JobLedger
    private let folder = TemporaryFolder()
    private let sqlite: EmbeddedLedger?

    init(_ kind: Kind) throws {
        guard kind != .memory else {
            sqlite = nil
            ledger = MemoryLedger()
            return
        }
        let opened = try EmbeddedLedger.opened(
            folder, durability: kind == .sqliteFull ? .full : .normal)
        sqlite = opened
        ledger = opened
    }

    /// Ends its thread and checks the file it leaves.
    func close() async throws {
        guard let sqlite else { return }
        #expect(await sqlite.close(within: EmbeddedLedger.closeTime) == 0)
        #expect(try LedgerReader(path: folder.ledger).faults() == [])
        #expect(!LedgerFile(path: folder.ledger, durability: .normal).hasLogLeft)
    }
}

/// Runs `body` over a ledger of that kind, and checks what it leaves.
func withLedger(_ kind: LedgerUnderTest.Kind, _ body: (any JobLedger) async throws -> Void) async throws {
    let subject = try LedgerUnderTest(kind)
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
