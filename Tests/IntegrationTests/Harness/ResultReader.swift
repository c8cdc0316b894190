import AMQP
import Concurrency
import Jobs
import PrivateBroker
import Secrets

/// Reads the results queue all the time, as a consumer does.
final class ResultReader: Sendable {
    private struct State {
        var results: [ReadResult] = []
        var ids: Set<String> = []
    }

    private let state: Lock<State>
    private let link: ConsumingLink

    init(_ harness: DaemonHarness) throws {
        let state = Lock(State())
        self.state = state
        let slot = Lock<ConsumingLink?>(nil)
        link = try ConsumingLink(DaemonHarness.link(to: harness.broker, "result reader")) { event in
            switch event {
            case .message(let message):
                guard let result = try? ReadResult(message) else { return }
                state.withLock { state in
                    state.results.append(result)
                    state.ids.insert(result.messageID)
                }
                slot.withLock { $0 }?.ack(message.tag)
            case .stopped: slot.withLock { $0 = nil }
            default: break
            }
        }
        slot.withLock { $0 = link }
        link.consume([ConsumedQueue(name: "\(harness.prefix).results", prefetch: 500)])
    }

    var all: [ReadResult] { state.withLock { $0.results } }
    /// Different message-ids so far.
    var jobs: Int { state.withLock { $0.ids.count } }

    func of(_ id: String) -> [ReadResult] { all.filter { $0.jobID == id } }

    func stop() { link.stop() }
}
