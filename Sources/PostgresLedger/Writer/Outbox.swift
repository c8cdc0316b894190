import Clocks
import Jobs

/// Which results of a member are published, without a row for each: they are numbered as they are written, and all below
/// the watermark are published, or were never written. A value of the ledger's thread.
///
/// A number is taken before its batch is sent, and given back when the broker has the result, or when it is known not to be
/// written. So the watermark passes nothing that may be in the database alone.
struct Outbox: Sendable {
    private struct Name: Hashable {
        let jobID: JobID
        let generation: Int
    }

    /// Under which its results are written.
    private let owner: Int?
    /// False: programs may work on the ledger that look for a mark of each.
    private var isUsed: Bool
    private var numbers: [Name: Int64] = [:]
    private var taken: Set<Int64> = []
    private var next: Int64 = 1
    private var watermark: Int64 = 1
    /// What the database has. 0: it may have nothing.
    private var written: Int64 = 0
    /// When the watermark first rose above that.
    private var roseAt: MonotonicTime?

    /// A kill republishes what was published in it.
    static let interval = Duration.milliseconds(100)
    /// If so many numbers stand between it and the oldest that is unpublished, a result has a mark of its own when it is published:
    /// a kill republishes no more than that for the sake of one that is long in coming.
    static let mostAhead: Int64 = 1_000

    /// - Parameter owner: the member's epoch; nil: no member has none.
    init(owner: Int?, isUsed: Bool) {
        self.owner = owner
        self.isUsed = isUsed && owner != nil
    }

    /// Of the member that joins anew.
    func begun(by owner: Int) -> Outbox { Outbox(owner: owner, isUsed: isUsed) }

    /// Of the schema that is there: from then on what is written has numbers.
    mutating func use() { isUsed = owner != nil }

    /// What is written and not published, or may be.
    var unpublished: [Int64] { Array(taken) }

    // MARK: Numbers

    /// For a result that is about to be written; nil if it is to have none. The same one again for what is written again.
    mutating func number(_ jobID: JobID, _ generation: Int) -> Int64? {
        guard isUsed else { return nil }
        let name = Name(jobID: jobID, generation: generation)
        if let number = numbers[name] { return number }
        defer { next += 1 }
        numbers[name] = next
        taken.insert(next)
        return next
    }

    /// It is known that it was not written.
    mutating func giveBack(_ jobID: JobID, _ generation: Int, at now: MonotonicTime) {
        guard let number = numbers.removeValue(forKey: Name(jobID: jobID, generation: generation)) else { return }
        end(number, at: now)
    }

    /// The broker has it. False if that needs a mark of its own.
    mutating func publish(_ jobID: JobID, _ generation: Int, at now: MonotonicTime) -> Bool {
        guard let number = numbers.removeValue(forKey: Name(jobID: jobID, generation: generation)) else { return false }
        let isFarAhead = number - watermark > Self.mostAhead
        end(number, at: now)
        return !isFarAhead
    }

    private mutating func end(_ number: Int64, at now: MonotonicTime) {
        taken.remove(number)
        while watermark < next, !taken.contains(watermark) { watermark += 1 }
        if watermark > written, roseAt == nil { roseAt = now }
    }

    // MARK: The watermark

    /// When it is to be written at the latest.
    var dueAt: MonotonicTime? { roseAt.map { $0 + Self.interval } }

    /// What is to be written in this batch. `hasResults`: there are some in it, of which the first brings the row. `isAsked`:
    /// it has questions, or what is asked after it sees what it has written.
    func watermark(hasResults: Bool, isAsked: Bool, at now: MonotonicTime) -> Int64? {
        if written == 0, hasResults { return watermark }
        guard roseAt != nil else { return nil }
        return isAsked || dueAt.map { $0 <= now } ?? false ? watermark : nil
    }

    /// At the member's end. Nil: the database has it.
    var last: Int64? { next > 1 && watermark > written ? watermark : nil }

    /// It is committed.
    mutating func noteWritten(_ value: Int64, at now: MonotonicTime) {
        written = max(written, value)
        roseAt = watermark > written ? now : nil
    }

    /// The database may have lost it.
    mutating func noteLost(at now: MonotonicTime) {
        written = 0
        if next > 1 { roseAt = roseAt ?? now }
    }
}
