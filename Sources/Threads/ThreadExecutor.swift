import CLinux

/// Runs tasks on one thread of its own, in the order in which they become ready.
///
/// For many tasks that are short and often resumed: the pool would wake a thread for each, this thread takes all that
/// are ready at once. What blocks in one of its tasks blocks them all.
public final class ThreadExecutor: TaskExecutor {
    private enum Message: Sendable {
        // With the executor, so that it outlives what is ready.
        case run(UnownedJob, on: ThreadExecutor)
        case stop
    }

    private let mailbox: Mailbox<Message>
    private let thread: NativeThread

    /// `name` is what `ps -L` shows.
    public init(name: String) throws(SystemCallError) {
        let mailbox = try Mailbox<Message>()
        self.mailbox = mailbox
        thread = try NativeThread(name: name) { Self.work(mailbox) }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        mailbox.post(.run(UnownedJob(job), on: self))
    }

    /// Ends the thread once nothing is ready, and waits for that. Only when its tasks have ended, and from none of
    /// them: a task that is resumed later would never go on.
    public func stop() {
        mailbox.post(.stop)
        thread.join()
    }

    private static func work(_ mailbox: Mailbox<Message>) {
        var isStopping = false
        while true {
            let messages = mailbox.takeAll()
            for message in messages {
                switch message {
                case .run(let job, let executor): job.runSynchronously(on: executor.asUnownedTaskExecutor())
                case .stop: isStopping = true
                }
            }
            guard messages.isEmpty else { continue }
            if isStopping { return }
            var descriptor = pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0)
            poll(&descriptor, 1, -1)
        }
    }
}
