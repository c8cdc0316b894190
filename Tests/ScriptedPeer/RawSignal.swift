import CLinux
public import Threads

/// Something that happens once, which threads and tasks can wait for: how a test and a peer's script keep step.
public final class RawSignal: Sendable {
    private struct State {
        var isFired = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Lock(State())
    // Never cleared, so that it stays readable for everyone who polls it.
    private let wake: Wake

    public init() throws(SystemCallError) {
        wake = try Wake()
    }

    public var isFired: Bool { state.withLock { $0.isFired } }

    public func fire() {
        let waiting = state.withLock { state in
            state.isFired = true
            defer { state.waiting = [] }
            return state.waiting
        }
        wake.signal()
        for continuation in waiting { continuation.resume() }
    }

    /// For tasks. The test's time limit ends a wait that is in vain.
    public func fired() async {
        await withCheckedContinuation { continuation in
            let isFired = state.withLock { state in
                if !state.isFired { state.waiting.append(continuation) }
                return state.isFired
            }
            if isFired { continuation.resume() }
        }
    }

    /// For threads: blocks.
    public func wait() throws(RawPeerFault) {
        var descriptor = pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, Int32(RawPeer.patience.milliseconds)) == 1 else { throw .timedOut }
    }
}
