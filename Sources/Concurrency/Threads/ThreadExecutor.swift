/// Runs tasks on one thread of its own, in the order in which they become ready.
///
/// For many tasks that are short and often resumed: the pool would wake a thread for each, this thread takes all that
/// are ready at once. What blocks in one of its tasks blocks them all.
public final class ThreadExecutor: TaskExecutor, RunningService {
    private struct Ready: Sendable {
        let job: UnownedJob
        // So that it outlives what is ready.
        let executor: ThreadExecutor
    }

    private let thread: MailboxThread<Ready>

    /// `name` is what `ps -L` shows.
    public init(name: String) throws(SystemCallError) {
        thread = try MailboxThread(name: name) { Self.work($0) }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        thread.post(Ready(job: UnownedJob(job), executor: self))
    }

    public func ping(_ answer: @escaping @Sendable () -> Void) { thread.ping(answer) }

    /// Ends the thread once nothing is ready. Only when its tasks have ended, and from none of them: a task that is
    /// resumed later would never go on.
    public func stop() { thread.stop() }

    private static func work(_ mailbox: MailboxOwner<Ready>) {
        while true {
            let batch = mailbox.takeAll()
            for ready in batch { ready.job.runSynchronously(on: ready.executor.asUnownedTaskExecutor()) }
            guard batch.isEmpty else { continue }
            if mailbox.isStopping { return }
            mailbox.wait()
        }
    }
}
