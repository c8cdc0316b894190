import CLinux

/// One thread of the operating system, for a C library that blocks.
///
/// Signals are blocked on it, so that they reach the main thread alone and never interrupt a library's system call.
public final class NativeThread: Sendable {
    /// librabbitmq decodes nested tables by recursion before login; 512 KiB overflowed, this did not.
    public static let stackSize = 8 << 20

    private let identity: pthread_t
    // Written by the first to join, under the lock, which it keeps while it waits: others wait with it.
    private let isJoined = Lock(false)

    /// Starts a thread that runs `body` once. `name` is what `ps -L` shows; Linux keeps its first 15 bytes.
    /// A detached one gives its memory back by itself and cannot be joined.
    public init(
        name: String, detached: Bool = false, _ body: @escaping @Sendable () -> Void
    ) throws(SystemCallError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, Self.stackSize)
        if detached { pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED)) }
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var identity = pthread_t()
        let code = pthread_create(&identity, &attributes, runNativeThread, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw SystemCallError("starting thread \(name)", code: code)
        }
        self.identity = identity
    }

    /// Waits until the thread's body has returned, whoever else waits too or has waited before: a service may be
    /// stopped from two sides. Call it from another thread, and never from a task.
    public func join() {
        isJoined.withLock { isJoined in
            if !isJoined { pthread_join(identity, nil) }
            isJoined = true
        }
    }
}

private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

// File-private and free: a closure literal would inherit the isolation of the place it is written in, and trap.
private func runNativeThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { preconditionFailure("a native thread starts with the context that its init gave it") }
    let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, nil)
    _ = CLinux_name_current_thread(String(start.name.prefix(15)))
    start.body()
    return nil
}

extension NativeThread {
    /// Runs what blocks on a thread of its own, so that the task which wants its answer keeps no thread of the
    /// cooperative pool. Where no thread can be had it blocks the pool for once: work is not refused.
    public static func offload<Value: Sendable>(
        _ name: String, _ body: @escaping @Sendable () -> Value
    ) async -> Value {
        await withCheckedContinuation { reply in
            do throws(SystemCallError) {
                _ = try NativeThread(name: name, detached: true) { reply.resume(returning: body()) }
            } catch {
                reply.resume(returning: body())
            }
        }
    }
}
