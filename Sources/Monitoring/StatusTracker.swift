package import AMQP
package import Clocks
import Concurrency
import Glibc
import Jobs
package import Operations
package import Pipeline
import Terminal

/// What the daemon says of itself, kept up by what happens and read by whoever asks.
package final class StatusTracker: Sendable {
    private enum Intake { case connecting, standby, attached }

    private struct State {
        var intake = Intake.connecting
        /// The consuming link has the queues that it was told to have, and those are some.
        var consumes = false
        var canPublish = false
        var isDraining = false
        var holds: [Hold] = []
        /// Why the state is not `consuming`: the latest message.
        var problem: String?
        var word = "connecting"
        var since: Timestamp
        var ended = EndedJobs()
        var rate = JobRate()
        var onChange: @Sendable () -> Void = {}
    }

    package let startedAt: Timestamp
    private let clock: any TimeSource
    // Written by the links' threads and the workers, under the lock.
    private let state: Lock<State>

    package init(clock: any TimeSource) {
        self.clock = clock
        startedAt = clock.wall()
        state = Lock(State(since: startedAt))
    }

    /// `body` is called whenever the state's word or what it waits for changes. It must not block.
    package func onChange(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.onChange = body }
    }

    // MARK: What happens

    package func consuming(_ event: ConsumingEvent) {
        change { state in
            switch event {
            case .consuming(_, let queues):
                state.intake = .attached
                state.consumes = !queues.isEmpty
            case .lost(_, let error):
                state.intake = .connecting
                state.consumes = false
                state.problem = error.afterConnecting
            case .standby(let error):
                state.intake = .standby
                state.problem = "another worker is active (\(error.message))"
            case .connected, .message, .stopped: break
            }
        }
    }

    package func publishing(_ event: PublishingEvent) {
        change { state in
            switch event {
            case .connected: state.canPublish = true
            case .lost(let error):
                state.canPublish = false
                state.problem = error.afterConnecting
            case .blocked, .unblocked, .stopped: break
            }
        }
    }

    /// Another process has the ledger.
    package func standsBy(holder: String) {
        change { state in
            state.intake = .standby
            state.problem = "process \(holder) has the ledger"
        }
    }

    /// The ledger is this daemon's. `problem`: what keeps it from the broker, if that is known.
    package func connects(_ problem: String? = nil) {
        change { state in
            state.intake = .connecting
            state.problem = problem
        }
    }

    package func drains() { change { $0.isDraining = true } }

    package func take(_ event: PipelineEvent) {
        switch event {
        case .ended(let job):
            let now = clock.now()
            state.withLock { state in
                state.ended.count(job.outcome)
                state.rate.count(at: now)
            }
        case .holdsChanged(let changed): change { $0.holds = changed.holds }
        case .settled, .replayed, .called, .parked, .steppedAside, .released, .cancelled, .deadLetterPublished,
            .replyCopy, .accountWaits, .accountGoesOn, .forgedHeaders, .headersDropped, .quarantine, .publishRefused,
            .ledgerRefused, .fenced, .overdue:
            break
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let now = clock.wall()
        let changed = state.withLock { state in
            let before = (state.problem, state.holds)
            body(&state)
            let word = Self.word(state)
            // During a hold too, it is connected again.
            if state.intake == .attached && state.canPublish && word != "connecting" { state.problem = nil }
            guard word != state.word else { return before == (state.problem, state.holds) ? nil : state.onChange }
            state.word = word
            state.since = now
            return state.onChange
        }
        changed?()
    }

    private static func word(_ state: State) -> String {
        if state.isDraining { return "draining" }
        switch state.intake {
        case .standby: return "standby"
        case .connecting: return "connecting"
        case .attached:
            // During a hold nothing is consumed, and the hold is what the state says.
            if let hold = state.holds.first { return "hold:\(hold.cause.rawValue)" }
            return state.consumes && state.canPublish ? "consuming" : "connecting"
        }
    }

    // MARK: What it says

    /// `consuming`, `standby`, `connecting`, `hold:<cause>`, `draining`.
    package var word: String { state.withLock { $0.word } }

    /// Without links, quota and ledger, which are asked elsewhere.
    package func status() -> DaemonStatus {
        let now = clock.now()
        return state.withLock { state in
            DaemonStatus(
                version: ProgramVersion.text, pid: Int(getpid()), startedAt: startedAt, at: clock.wall(),
                state: state.word, since: state.since, problem: state.problem,
                ended: Outcome.allCases.map { .init(outcome: $0.rawValue, count: state.ended[$0]) },
                perMinute: state.rate.perMinute(minutes: 1, at: now),
                perMinuteOfFifteen: state.rate.perMinute(minutes: JobRate.minutes, at: now),
                holds: state.holds.map { .init($0) })
        }
    }
}
