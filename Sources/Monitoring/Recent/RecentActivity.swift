package import Clocks
import Concurrency
import Jobs
package import Operations
import Photos
package import Pipeline

/// What happened of late, kept in bounded memory for `/status` and the page: the last failures, dead letters by reason,
/// half an hour of rates and latency.
package final class RecentActivity: Sendable {
    private struct State {
        var failures = RecentFailures()
        var deadLetters: [Reason: Int] = [:]
        var history: RecentHistory
    }

    private let clock: any TimeSource
    // Written by the workers, read by whoever asks for the status, under the lock.
    private let state: Lock<State>

    package init(clock: any TimeSource) {
        self.clock = clock
        state = Lock(State(history: RecentHistory(start: clock.now())))
    }

    /// Called for every event, on any thread; costs a lock and a count.
    package func take(_ event: PipelineEvent) {
        switch event {
        case .ended(let job):
            let now = clock.now()
            let isFailure = Self.isFailure(job.outcome)
            let failure =
                isFailure
                ? RecentFailures.Failure(
                    at: clock.wall(), jobID: job.jobID, account: job.account, outcome: job.outcome, reason: job.reason,
                    detail: job.detail, attempts: job.attempts) : nil
            state.withLock { state in
                state.history.ended(isFailure: isFailure, at: now)
                if let failure { state.failures.append(failure) }
            }
        case .called(let call):
            guard call.isSent else { break }
            let now = clock.now()
            state.withLock { $0.history.called(taking: call.duration, at: now) }
        case .deadLetterPublished(let reason): state.withLock { $0.deadLetters[reason, default: 0] += 1 }
        case .settled, .replayed, .parked, .steppedAside, .released, .cancelled, .replyCopy, .holdsChanged,
            .accountWaits, .accountGoesOn, .forgedHeaders, .headersDropped, .quarantine, .publishRefused,
            .ledgerRefused, .fenced, .overdue:
            break
        }
    }

    /// Adds what is kept here to what others say.
    /// - Parameter hashingAccounts: `log.hash_accounts`; it holds for what is kept already, too.
    package func add(to status: inout DaemonStatus, hashingAccounts: Bool) {
        let now = clock.now()
        let wall = clock.wall()
        let (failures, deadLetterCount, history) = state.withLock { state in
            (state.failures, state.deadLetters, state.history.history(at: now, wall: wall))
        }
        status.failures = failures.shown(hashingAccounts: hashingAccounts)
        status.deadLetters = Reason.allCases.compactMap { reason in
            deadLetterCount[reason].map { .init(reason: reason.rawValue, count: $0) }
        }
        status.history = history
    }

    private static func isFailure(_ outcome: Outcome) -> Bool {
        switch outcome {
        case .left, .alreadyLeft: false
        case .failed, .rejected: true
        }
    }
}
