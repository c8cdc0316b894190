extension NativeThread {
    /// Runs what blocks on a thread of its own, so that the task which wants its answer keeps no thread of the
    /// cooperative pool. Where no thread can be had it blocks the pool for once: work is not refused.
    package static func offload<Value: Sendable>(
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
