import AMQP
import Jobs
import Pipeline
import Telemetry
import Threads

/// What the daemon says of itself, kept up by what happens and read by whoever asks.
final class StatusBoard: Sendable {
    private enum Intake { case connecting, standby, consuming }

    private struct State {
        var intake = Intake.connecting
        var isDraining = false
        var holds: [Hold] = []
        var word = "connecting"
        var since: Timestamp
        var ended: [Outcome: Int] = [:]
        var rate = JobRate()
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

    // MARK: What happens

    func consuming(_ event: ConsumingEvent) {
        switch event {
        // During a hold nothing is consumed, and the hold is what the state says.
        case .consuming: change { $0.intake = .consuming }
        case .lost: change { $0.intake = .connecting }
        case .standby: change { $0.intake = .standby }
        case .connected, .message, .stopped: break
        }
    }

    func standsBy() { change { $0.intake = .standby } }
    func connects() { change { $0.intake = .connecting } }
    func drains() { change { $0.isDraining = true } }

    func take(_ event: PipelineEvent) {
        switch event {
        case .ended(_, _, let outcome, _, _, _, _, _):
            let now = clock.now()
            state.withLock { state in
                state.ended[outcome, default: 0] += 1
                state.rate.count(at: now)
            }
        case .holdsChanged(let holds, _): change { $0.holds = holds }
        default: break
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let now = clock.wall()
        state.withLock { state in
            body(&state)
            let word = Self.word(state)
            guard word != state.word else { return }
            state.word = word
            state.since = now
        }
    }

    private static func word(_ state: State) -> String {
        if state.isDraining { return "draining" }
        switch state.intake {
        case .standby: return "standby"
        case .connecting: return "connecting"
        case .consuming: return state.holds.first.map { "hold:\($0.cause.rawValue)" } ?? "consuming"
        }
    }

    // MARK: What it says

    /// Without links, quota and ledger, which are asked elsewhere.
    func status() -> DaemonStatus {
        let now = clock.now()
        return state.withLock { state in
            DaemonStatus(
                version: Commands.version, pid: Int(ProcessIdentity.pid), startedAt: startedAt, at: clock.wall(),
                state: state.word, since: state.since,
                ended: Outcome.allCases.map { .init(outcome: $0.rawValue, count: state.ended[$0] ?? 0) },
                perMinute: state.rate.perMinute(minutes: 1, at: now),
                perMinuteOfFifteen: state.rate.perMinute(minutes: JobRate.minutes, at: now),
                holds: state.holds.map {
                    .init(
                        cause: $0.cause.rawValue, since: $0.since, nextProbeAt: $0.nextProbeAt, detail: $0.detail)
                })
        }
    }
}
