import Clocks
import Concurrency
import Jobs
import Ledger

/// What a member knows of grants, between its thread of the ledger, which compares after a failover, and those who refresh,
/// who ask the database over a connection of their own.
///
/// A grant is read, leased and written only on the timeline on which all who live have compared, and an answer from before
/// counts for nothing after: so whoever refreshes at the new primary finds each lease and each newer token there that anybody
/// alive knows of. What a kill -9 costs: what it took or wrote in the last moment, if the database lost that as well.
package final class GrantMemory: Sendable {
    private struct State {
        var recent = RecentGrants()
        /// Nil: not all have compared.
        var timeline: Int?
        /// One more at each failover.
        var era = 0
    }

    // Written and read by whoever asks for grants and by the ledger's thread; under the lock.
    private let state = Lock(State())

    package init() {}

    /// Where a grant may be asked for now.
    struct Permission: Sendable {
        let timeline: Int
        let era: Int
    }

    var permission: Permission? {
        state.withLock { state in state.timeline.map { Permission(timeline: $0, era: state.era) } }
    }

    /// False: the database has failed over since, and what was answered may be gone.
    func note(_ permission: Permission, _ change: (inout RecentGrants) -> Void) -> Bool {
        state.withLock { state in
            guard state.era == permission.era, state.timeline != nil else { return false }
            change(&state.recent)
            return true
        }
    }

    // MARK: The ledger's thread

    /// Before anything is compared: what is under way comes too late to be.
    func unsettle() {
        state.withLock { state in
            state.timeline = nil
            state.era += 1
        }
    }

    func settle(on timeline: Int) { state.withLock { $0.timeline = timeline } }

    var recent: RecentGrants { state.withLock { $0.recent } }
}
