import Threads

/// What waits in memory for a commit: marks and lines for one to go along with, and what a commit that failed left.
struct LedgerBacklog {
    /// Records and marks. They go first in the next commit.
    private(set) var owed: [LedgerOperation] = []
    /// Lines of stories.
    private(set) var lines: [LedgerOperation] = []
    /// When what waits has a commit of its own. Nil if nothing waits for one.
    private(set) var dueAt: MonotonicTime?

    /// A line may wait so long for a commit to go along with.
    private static let lineDelay = Duration.seconds(1)
    /// So long may a mark: under load the next claim comes sooner, and a crash in between means one more copy.
    private static let markDelay = Duration.milliseconds(10)
    /// While nothing can be written, intake stops and few lines come; beyond this the oldest go.
    private static let linesKept = 4_096

    var isEmpty: Bool { owed.isEmpty && lines.isEmpty }

    mutating func keepMark(_ operation: LedgerOperation, at now: MonotonicTime) {
        owed.append(operation)
        expect(at: now + Self.markDelay)
    }

    mutating func keepLine(_ operation: LedgerOperation, at now: MonotonicTime) {
        lines.append(operation)
        if lines.count > Self.linesKept { lines.removeFirst() }
        expect(at: now + Self.lineDelay)
    }

    /// Until the ledger can commit again.
    mutating func keepInTrouble(_ operation: LedgerOperation) { owed.append(operation) }

    private mutating func expect(at time: MonotonicTime) { dueAt = min(dueAt ?? time, time) }

    /// All that waits, and `new` after it.
    mutating func take(before new: [LedgerOperation]) -> [LedgerOperation] {
        defer { self = LedgerBacklog() }
        return isEmpty ? new : owed + lines + new
    }

    /// Tells whoever waits for a record. Returns how many records and marks are lost.
    mutating func refuse(_ error: LedgerError) -> Int {
        defer { self = LedgerBacklog() }
        for operation in owed { operation.refuse(error) }
        return owed.count
    }
}
