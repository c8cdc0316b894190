import CLinux

/// State that several threads share, reachable only while its mutex is held.
///
/// `Synchronization.Mutex` would do, but the thread sanitizer does not see its futex and reports races that are none;
/// it does see a pthread mutex.
///
/// `@unchecked Sendable`: `state` is touched only between lock and unlock of `mutex`, which this type alone does. It lies
/// at an address of its own, because of a class's members the runtime notes each access, to find one inside another:
/// here that one would wait for itself.
public final class Lock<State>: @unchecked Sendable {
    @usableFromInline let mutex = NativeMutex()
    @usableFromInline let state: UnsafeMutablePointer<State>

    public init(_ state: sending State) {
        self.state = .allocate(capacity: 1)
        self.state.initialize(to: state)
    }

    deinit {
        state.deinitialize(count: 1)
        state.deallocate()
        mutex.destroy()
    }

    /// Runs `body` alone. It must not block, nor take the same lock again.
    ///
    /// Inlinable, as what every job goes through many times: without knowing the types it costs ten times as much.
    @inlinable public func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        mutex.lock()
        defer { mutex.unlock() }
        return try body(&state.pointee)
    }
}

/// A pthread mutex, which is known by its address.
@usableFromInline struct NativeMutex {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        let code = pthread_mutex_init(mutex, nil)
        precondition(code == 0, "pthread_mutex_init fails only without memory; it returned \(code)")
    }

    func destroy() {
        pthread_mutex_destroy(mutex)
        mutex.deinitialize(count: 1)
        mutex.deallocate()
    }

    @usableFromInline func lock() { pthread_mutex_lock(mutex) }

    @usableFromInline func unlock() { pthread_mutex_unlock(mutex) }
}
