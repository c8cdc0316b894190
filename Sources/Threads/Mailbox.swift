/// Work on its way to one thread: posted from anywhere, taken in batches by the owner.
///
/// The eventfd is written only when the owner sleeps, so that under load a post costs a lock and no system call.
public final class Mailbox<Message: Sendable>: Sendable {
    private struct State {
        var messages: [Message] = []
        // Written by the owner (falling asleep) and by posters (waking it); both hold the lock.
        var ownerSleeps = false
        var isClosed = false
    }

    private let state = Lock(State())
    private let wake: Wake

    public init() throws(SystemCallError) {
        wake = try Wake()
    }

    /// Readable when the owner fell asleep and messages came since. Poll it before `takeAll`.
    public var descriptor: Int32 { wake.descriptor }

    /// Hands `message` to the owner. False if the mailbox is closed; then the caller keeps the duty to answer.
    @discardableResult
    public func post(_ message: Message) -> Bool {
        let (accepted, mustWake) = state.withLock { state in
            guard !state.isClosed else { return (false, false) }
            state.messages.append(message)
            defer { state.ownerSleeps = false }
            return (true, state.ownerSleeps)
        }
        if mustWake { wake.signal() }
        return accepted
    }

    /// Takes what is there. An empty answer arms the wake: the owner may then poll `descriptor`. Owner only.
    public func takeAll() -> [Message] {
        wake.clear()
        return state.withLock { state in
            state.ownerSleeps = state.messages.isEmpty
            defer { state.messages = [] }
            return state.messages
        }
    }

    /// Refuses every later post and returns what nobody took. Owner only; it answers what it finds.
    public func close() -> [Message] {
        state.withLock { state in
            state.isClosed = true
            defer { state.messages = [] }
            return state.messages
        }
    }
}
