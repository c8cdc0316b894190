/// A thread and the mailbox that it serves: what is posted from anywhere, the thread's body takes.
///
/// The body runs once, for as long as the service lives, and returns soon after `stop`. When it has returned, later
/// posts are refused; what was posted and not taken is dropped, unless the body closed the mailbox and answered it.
///
/// Tasks that prefer it run on it as well, in the order in which they become ready, whenever its body takes messages.
/// What blocks in one of them blocks the body.
public final class MailboxThread<Message: Sendable>: RunningService, TaskExecutor {
    @usableFromInline let mailbox: Mailbox<MailboxItem<Message>>
    @usableFromInline let thread: NativeThread
    /// Made where the type of the message is known: `enqueue`, which the runtime calls, does not know it, and a job has
    /// many steps.
    @usableFromInline let postTask: @Sendable (UnownedJob, MailboxThread) -> Void

    /// Starts the thread. `name` is what `ps -L` shows; Linux keeps its first 15 bytes.
    ///
    /// - Parameter prepare: gets the descriptor that wakes the thread, before the thread starts: for a body that waits
    ///   by other means than `MailboxOwner.wait`, and can fail to.
    @inlinable public init(
        name: String, preparing prepare: (_ descriptor: Int32) throws(SystemCallError) -> Void = { _ in },
        _ body: @escaping @Sendable (MailboxOwner<Message>) -> Void
    ) throws(SystemCallError) {
        let mailbox = try Mailbox<MailboxItem<Message>>()
        try prepare(mailbox.descriptor)
        self.mailbox = mailbox
        postTask = { mailbox.post(.task($0, on: $1)) }
        thread = try NativeThread(name: name) {
            let owner = MailboxOwner(mailbox)
            body(owner)
            _ = owner.close()
        }
    }

    /// Hands `message` to the thread. False if the thread takes nothing any more; then the caller keeps the duty to
    /// answer.
    @inlinable @discardableResult
    public func post(_ message: Message) -> Bool {
        mailbox.post(.message(message))
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        postTask(UnownedJob(job), self)
    }

    /// Everything that was posted before is taken before the answer.
    public func ping(_ answer: @escaping @Sendable () -> Void) {
        if !mailbox.post(.ping(answer)) { answer() }
    }

    /// Everything that was posted before is taken first.
    public func stop() {
        // Refused by a thread that is about to end, which is waited for all the same.
        mailbox.post(.stop)
        join()
    }

    /// Waits for the thread, which a message has told to end.
    public func join() {
        thread.join()
    }
}

/// What travels to the thread.
///
/// Inlinable with what wraps and unwraps it: without knowing the type of the message that costs 0.3 µs each.
@usableFromInline enum MailboxItem<Message: Sendable>: Sendable {
    case message(Message)
    case ping(@Sendable () -> Void)
    /// With the thread, so that it outlives what is ready.
    case task(UnownedJob, on: MailboxThread<Message>)
    case stop
}
