import Clocks
import Jobs
import Ledger

/// The leases that this process has and has not let go, as its batches leave them. For metrics: whose a job is, is the
/// row's word alone.
struct HeldLeases: Equatable, Sendable {
    private struct Held: Equatable {
        let fence: Int64
        /// By the database's clock.
        let until: Timestamp
    }

    private var held: [JobID: Held] = [:]

    /// After its commit. A call that was heard, or withdrawn, leaves a row without a lease; one that was not heard keeps its
    /// own to the end.
    mutating func note(_ plan: JobPlan) {
        guard plan.claims || held[plan.jobID] != nil else { return }
        let row = plan.after.row
        if let row, let until = row.callUntil, plan.claims || held[plan.jobID]?.fence == row.fence {
            held[plan.jobID] = Held(fence: row.fence, until: until)
        } else {
            held[plan.jobID] = nil
        }
    }

    /// What ends by itself is said by nobody.
    mutating func end(before now: Timestamp) {
        guard held.contains(where: { $0.value.until < now }) else { return }
        held = held.filter { $0.value.until >= now }
    }

    func count(at now: Timestamp) -> Int { held.count { $0.value.until >= now } }
}
