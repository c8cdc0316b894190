import Ledger
import Threads

/// How much of the day's quota is spent: the ledger's count, kept in memory after the first look of a day.
final class DayBudget: Sendable {
    private struct State {
        var day: QuotaDay?
        var spent: Int?
    }

    // Written by workers, under the lock.
    private let state = Lock(State())
    private let limit: Int
    private let quotaDay: @Sendable (Timestamp) -> QuotaDay

    init(limit: Int, quotaDay: @escaping @Sendable (Timestamp) -> QuotaDay) {
        self.limit = limit
        self.quotaDay = quotaDay
    }

    func dayName(at now: Timestamp) -> String { day(at: now).name }

    /// A call was claimed in the ledger.
    func counted(at now: Timestamp) {
        _ = day(at: now)
        state.withLock { $0.spent = $0.spent.map { $0 + 1 } }
    }

    /// When the quota comes back, if it is spent; else nil.
    func exhausted(at now: Timestamp, ledger: any Ledger) async throws(LedgerError) -> Timestamp? {
        guard limit > 0 else { return nil }
        let day = day(at: now)
        guard try await spent(at: now, ledger: ledger) >= limit else { return nil }
        return day.end
    }

    /// Calls and probes of the day so far.
    func spent(at now: Timestamp, ledger: any Ledger) async throws(LedgerError) -> Int {
        let day = day(at: now)
        if let known = state.withLock({ $0.spent }) { return known }
        let count = try await ledger.count(of: day.name)
        return state.withLock { state in
            // Another worker may have loaded it meanwhile and counted on.
            let spent = max(state.spent ?? 0, count.calls + count.probes)
            state.spent = spent
            return spent
        }
    }

    private func day(at now: Timestamp) -> QuotaDay {
        state.withLock { state in
            if let day = state.day, now < day.end { return day }
            let day = quotaDay(now)
            state.day = day
            state.spent = nil
            return day
        }
    }
}
