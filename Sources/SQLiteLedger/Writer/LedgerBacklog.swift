import Clocks
import Ledger

/// What waits in memory for a commit: marks and lines for one to go along with, and what a commit that failed left.
struct LedgerBacklog {
    /// Records and marks. They go first in the next commit.
    private(set) var pending: [LedgerOperation] = []
    /// Lines of histories.
    private(set) var lines: [LedgerOperation] = []
    /// When what waits has a commit of its own. Nil if nothing waits for one.
    private(set) var dueAt: MonotonicTime?

    /// A line may wait so long for a commit to go along with.
    private static let lineDelay = Duration.seconds(1)
    /// Longest delay of a mark: under load a claim commits it sooner; a crash before costs one more publish.
    private static let markDelay = Duration.milliseconds(10)
    /// While nothing can be written, intake stops and few lines come; beyond this the oldest go.
    private static let lineCapacity = 4_096

    var isEmpty: Bool { pending.isEmpty && lines.isEmpty }

    mutating func addMark(_ operation: LedgerOperation, at now: MonotonicTime) {
        pending.append(operation)
        expect(at: now + Self.markDelay)
    }

    mutating func addLine(_ operation: LedgerOperation, at now: MonotonicTime) {
        lines.append(operation)
        if lines.count > Self.lineCapacity { lines.removeFirst() }
        expect(at: now + Self.lineDelay)
    }

    /// Until the ledger can commit again.
    mutating func keepWhileDegraded(_ operation: LedgerOperation) { pending.append(operation) }

    private mutating func expect(at time: MonotonicTime) { dueAt = min(dueAt ?? time, time) }

    /// All that waits, and `new` after it.
    mutating func take(before new: [LedgerOperation]) -> [LedgerOperation] {
        defer { self = LedgerBacklog() }
        return isEmpty ? new : pending + lines + new
    }

    /// Fails the records that wait. Returns how many records and marks are lost.
    mutating func refuse(_ error: LedgerError) -> Int {
        defer { self = LedgerBacklog() }
        for operation in pending { operation.refuse(error) }
        return pending.count
    }
}
