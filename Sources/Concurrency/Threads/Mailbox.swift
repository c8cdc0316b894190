import CLinux

/// Work on its way to one thread: posted from anywhere, taken in batches by the owner.
///
/// The eventfd is written only when the owner sleeps, so that under load a post costs a lock and no system call.
/// Inlinable, because without knowing the type of the message a post costs a thousand instructions.
public final class Mailbox<Message: Sendable>: Sendable {
    @usableFromInline struct State {
        @usableFromInline var messages: [Message] = []
        // Written by the owner (falling asleep) and by posters (waking it); both hold the lock.
        @usableFromInline var ownerSleeps = false
        // Whether the eventfd was written and not yet read.
        @usableFromInline var isSignalled = false
        @usableFromInline var isClosed = false
    }

    @usableFromInline let state = Lock(State())
    @usableFromInline let wake: Wake

    public init() throws(SystemCallError) {
        wake = try Wake()
    }

    /// Readable when messages came since the owner fell asleep. To be polled only after an empty `takeAll`, or after
    /// `drain`: what is posted to an owner that is awake does not make it readable.
    public var descriptor: Int32 { wake.descriptor }

    /// Hands `message` to the owner. False if the mailbox is closed; then the caller keeps the duty to answer.
    @inlinable @discardableResult
    public func post(_ message: Message) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.messages.append(message)
            if state.ownerSleeps {
                state.ownerSleeps = false
                state.isSignalled = true
                wake.signal()
            }
            return true
        }
    }

    /// Takes what is there. An empty answer arms the wake: the owner may then poll `descriptor`. Owner only.
    @inlinable public func takeAll() -> [Message] {
        let messages = takeBatch()
        if !messages.isEmpty { return messages }
        // Whoever is about to post something goes first: on a busy machine that saves falling asleep and being woken.
        letOthersPost()
        return state.withLock { state in
            if state.isSignalled {
                state.isSignalled = false
                wake.clear()
            }
            state.ownerSleeps = state.messages.isEmpty
            defer { state.messages = [] }
            return state.messages
        }
    }

    @usableFromInline func letOthersPost() { sched_yield() }

    /// Takes what is there, and arms nothing. Owner only.
    @inlinable func takeBatch() -> [Message] {
        state.withLock { state in
            defer { state.messages = [] }
            return state.messages
        }
    }

    /// Arms the wake: the owner may then poll `descriptor`. False if there is something to take. Owner only.
    @inlinable func arm() -> Bool {
        state.withLock { state in
            guard state.messages.isEmpty else { return false }
            if !state.ownerSleeps, state.isSignalled {
                state.isSignalled = false
                wake.clear()
            }
            state.ownerSleeps = true
            return true
        }
    }

    /// Takes the wake back: what is posted from now on is found without it. Owner only.
    @inlinable func disarm() {
        state.withLock { $0.ownerSleeps = false }
    }

    /// Takes message after message until there is none, which arms the wake. Owner only.
    @inlinable public func drain(_ take: (Message) -> Void) {
        while true {
            let messages = takeAll()
            if messages.isEmpty { return }
            for message in messages { take(message) }
        }
    }

    /// Refuses later posts and returns the messages that were not taken. Owner only, which answers them.
    public func close() -> [Message] {
        state.withLock { state in
            state.isClosed = true
            defer { state.messages = [] }
            return state.messages
        }
    }
}
