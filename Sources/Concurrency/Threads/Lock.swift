import CLinux

/// State that several threads share, reachable only while its mutex is held.
///
/// `Synchronization.Mutex` would do, but the thread sanitizer does not see its futex and reports races that are none;
/// it does see a pthread mutex.
///
/// `@unchecked Sendable`: `state` is touched only between lock and unlock of `mutex`, which this type alone does.
public final class Lock<State>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var state: State

    public init(_ state: sending State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        let code = pthread_mutex_init(mutex, nil)
        precondition(code == 0, "pthread_mutex_init fails only without memory; it returned \(code)")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deinitialize(count: 1)
        mutex.deallocate()
    }

    /// Runs `body` alone. It must not block, nor take the same lock again.
    public func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }
}
