import AMQP
import Jobs
import Pipeline
import Telemetry
import Threads

/// What the daemon says of itself, kept up by what happens and read by whoever asks.
final class StatusBoard: Sendable {
    private enum Intake { case connecting, standby, attached }

    private struct State {
        var intake = Intake.connecting
        /// The consuming link has the queues that it was told to have, and those are some.
        var consumes = false
        var canPublish = false
        var isDraining = false
        var holds: [Hold] = []
        /// Why the state is not `consuming`, in the words of whoever noticed last.
        var trouble: String?
        var word = "connecting"
        var since: Timestamp
        var ended = EndedJobs()
        var rate = JobRate()
        var onChange: @Sendable () -> Void = {}
    }

    let startedAt: Timestamp
    private let clock: any Timekeeper
    // Written by the links' threads and the workers, under the lock.
    private let state: Lock<State>

    init(clock: any Timekeeper) {
        self.clock = clock
        startedAt = clock.wall()
        state = Lock(State(since: startedAt))
    }

    /// `body` is called whenever the state's word or what it waits for changes. It must not block.
    func onChange(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.onChange = body }
    }

    // MARK: What happens

    func consuming(_ event: ConsumingEvent) {
        change { state in
            switch event {
            case .consuming(_, let queues):
                state.intake = .attached
                state.consumes = !queues.isEmpty
            case .lost(_, let error):
                state.intake = .connecting
                state.consumes = false
                state.trouble = error.afterConnecting
            case .standby(let error):
                state.intake = .standby
                state.trouble = "another worker is active (\(error.words))"
            case .connected, .message, .stopped: break
            }
        }
    }

    func publishing(_ event: PublishingEvent) {
        change { state in
            switch event {
            case .connected: state.canPublish = true
            case .lost(let error):
                state.canPublish = false
                state.trouble = error.afterConnecting
            case .blocked, .unblocked, .stopped: break
            }
        }
    }

    /// Another process has the ledger.
    func standsBy(holder: String) {
        change { state in
            state.intake = .standby
            state.trouble = "process \(holder) has the ledger"
        }
    }

    /// The ledger is this daemon's. `trouble`: what keeps it from the broker, if that is known.
    func connects(_ trouble: String? = nil) {
        change { state in
            state.intake = .connecting
            state.trouble = trouble
        }
    }

    func drains() { change { $0.isDraining = true } }

    func take(_ event: PipelineEvent) {
        switch event {
        case .ended(let job):
            let now = clock.now()
            state.withLock { state in
                state.ended.count(job.outcome)
                state.rate.count(at: now)
            }
        case .holdsChanged(let changed): change { $0.holds = changed.holds }
        default: break
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let now = clock.wall()
        let changed = state.withLock { state in
            let before = (state.trouble, state.holds)
            body(&state)
            let word = Self.word(state)
            if word == "consuming" { state.trouble = nil }
            guard word != state.word else { return before == (state.trouble, state.holds) ? nil : state.onChange }
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
    var word: String { state.withLock { $0.word } }

    /// Without links, quota and ledger, which are asked elsewhere.
    func status() -> DaemonStatus {
        let now = clock.now()
        return state.withLock { state in
            DaemonStatus(
                version: Commands.version, pid: Int(ProcessIdentity.pid), startedAt: startedAt, at: clock.wall(),
                state: state.word, since: state.since, trouble: state.trouble,
                ended: Outcome.allCases.map { .init(outcome: $0.rawValue, count: state.ended[$0]) },
                perMinute: state.rate.perMinute(minutes: 1, at: now),
                perMinuteOfFifteen: state.rate.perMinute(minutes: JobRate.minutes, at: now),
                holds: state.holds.map { .init($0) })
        }
    }
}
