import Clocks
import Concurrency
import HTTP
import ScriptedPeer

/// A clock that stands still until the send window of `SendWindow.end` is to be over.
final class SendWindow: TimeSource {
    static let end = MonotonicTime(nanoseconds: 1_000_000_000)

    /// An engine reads its clock so often before a request of that window is about to be sent: when the request has
    /// come, and for whether it may still start. Next it is read in the pre-request callback.
    static let readingsOfTheWait = 2

    private struct State {
        var isOver = false
        // Nil: not before `close`.
        var readingsLeft: Int?
    }

    private let state = Lock(State())

    func now() -> MonotonicTime {
        state.withLock { state in
            if let readings = state.readingsLeft {
                state.readingsLeft = max(0, readings - 1)
                if readings == 0 { state.isOver = true }
            }
            return MonotonicTime(nanoseconds: state.isOver ? Self.end.nanoseconds : 0)
        }
    }

    func wall() -> Timestamp { Timestamp(milliseconds: 0) }

    func sleep(until time: MonotonicTime) async { preconditionFailure("an engine does not sleep on its clock") }

    /// From now on it is over.
    func close() { state.withLock { $0.isOver = true } }

    /// It is over when the next request is about to be sent, and not before.
    func closeBeforeSending() { state.withLock { $0.readingsLeft = Self.readingsOfTheWait } }

    func open() { state.withLock { $0 = State() } }
}

extension HTTPRequest {
    /// The same, to begin inside the window.
    var inWindow: HTTPRequest {
        var request = self
        request.beginsBefore = SendWindow.end
        return request
    }
}
