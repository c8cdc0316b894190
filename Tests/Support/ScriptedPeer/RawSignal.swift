import CLinux
import Clocks
package import Concurrency

/// Something that happens once, which threads and tasks can wait for: how a test and a peer's script keep step.
package final class RawSignal: Sendable {
    private struct State {
        var isFired = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Lock(State())
    // Never cleared, so that it stays readable for everyone who polls it.
    private let wake: Wake

    package init() throws(SystemCallError) {
        wake = try Wake()
    }

    package var isFired: Bool { state.withLock { $0.isFired } }

    package func fire() {
        let waiting = state.withLock { state in
            state.isFired = true
            defer { state.waiting = [] }
            return state.waiting
        }
        wake.signal()
        for continuation in waiting { continuation.resume() }
    }

    /// For tasks. The test's time limit ends a wait that is in vain.
    package func fired() async {
        await withCheckedContinuation { continuation in
            let isFired = state.withLock { state in
                if !state.isFired { state.waiting.append(continuation) }
                return state.isFired
            }
            if isFired { continuation.resume() }
        }
    }

    /// For threads: blocks.
    package func wait() throws(RawPeerFault) {
        var descriptor = pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, Int32(RawPeer.timeout.milliseconds)) == 1 else { throw .timedOut }
    }
}
