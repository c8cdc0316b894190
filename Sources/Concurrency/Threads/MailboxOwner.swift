import CLinux
import Clocks

/// The thread's own end of a `MailboxThread`: takes messages, waits for more, and on the way answers pings and runs tasks.
///
/// A ping is answered when the owner has done with what it took before, and comes for more.
public final class MailboxOwner<Message: Sendable> {
    @usableFromInline let mailbox: Mailbox<MailboxItem<Message>>
    @usableFromInline var pings: [@Sendable () -> Void] = []
    /// Whether `stop` was called. Learned by taking messages; then no wait lasts.
    public private(set) var isStopping = false
    /// Posts to this mailbox, from any thread: for what the owner begins and somebody else finishes.
    public let post: @Sendable (Message) -> Void

    @inlinable init(_ mailbox: Mailbox<MailboxItem<Message>>) {
        self.mailbox = mailbox
        post = { mailbox.post(.message($0)) }
    }

    /// Readable when there is something to take. To be polled only after `takeAll` gave nothing, and while the thread
    /// is not to stop.
    public var descriptor: Int32 { mailbox.descriptor }

    /// Takes what is there. After an empty answer the owner may wait.
    @inlinable public func takeAll() -> [Message] {
        while true {
            answerPings()
            let items = mailbox.takeAll()
            if items.isEmpty { return [] }
            let messages = open(items)
            if !messages.isEmpty { return messages }
        }
    }

    /// One batch of what is there, for an owner that has more to look after: of what came meanwhile nothing is taken, so
    /// that tasks which make each other ready do not keep it here. Nothing is armed for a wait.
    /// - Returns: nil if nothing had come at all; the batch may be empty of messages.
    @inlinable public func takeBatch() -> [Message]? {
        answerPings()
        let items = mailbox.takeBatch()
        return items.isEmpty ? nil : open(items)
    }

    /// Lets a post wake whoever polls `descriptor`. False if there is something to take: then the owner is not to wait.
    @inlinable public func fallAsleep() -> Bool {
        // Whoever is about to post something goes first.
        mailbox.letOthersPost()
        return mailbox.arm()
    }

    /// After a wait: what is posted from now on is found without a wake.
    @inlinable public func wakeUp() { mailbox.disarm() }

    /// Takes message after message until there is none. After it the owner may wait.
    @inlinable public func drain(_ take: (Message) -> Void) {
        while true {
            let messages = takeAll()
            if messages.isEmpty { return }
            for message in messages { take(message) }
        }
    }

    /// Waits until something was posted, one of `descriptors` can be read, or the time is over: at once if it is zero,
    /// never if it is nil. A negative descriptor is passed over. Returns at once if the thread is to stop, or if there is
    /// something to take, whatever `takeAll` gave last.
    public func wait(atMost duration: Duration? = nil, alsoReadable descriptors: [Int32] = []) {
        guard !isStopping, mailbox.arm() else { return }
        withUnsafeTemporaryAllocation(of: pollfd.self, capacity: descriptors.count + 1) { polled in
            polled.initializeElement(at: 0, to: pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0))
            for (place, descriptor) in descriptors.enumerated() {
                polled.initializeElement(at: place + 1, to: pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
            }
            // What wakes it for nothing costs a few microseconds: callers look again at all that they wait for.
            poll(polled.baseAddress, nfds_t(polled.count), duration.map(\.pollTimeout) ?? -1)
        }
    }

    /// Refuses every later post, answers every ping, and returns what nobody took. The second time there is nothing.
    public func close() -> [Message] {
        let messages = open(mailbox.close())
        answerPings()
        return messages
    }

    @inlinable func open(_ items: [MailboxItem<Message>]) -> [Message] {
        items.compactMap { item in
            switch item {
            case .message(let message): return message
            case .ping(let answer): pings.append(answer)
            case .task(let job, let thread): job.runSynchronously(on: thread.asUnownedTaskExecutor())
            case .stop: stop()
            }
            return nil
        }
    }

    @usableFromInline func stop() {
        isStopping = true
    }

    @usableFromInline func answerPings() {
        guard !pings.isEmpty else { return }
        let answered = pings
        pings = []
        for answer in answered { answer() }
    }
}
