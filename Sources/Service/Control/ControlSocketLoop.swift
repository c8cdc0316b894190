import CLinux
import Clocks
import Concurrency
import Glibc

/// What the control socket's thread does: accepts, reads lines, hands requests out, writes answers.
struct ControlSocketLoop: ~Copyable {
    private let listener: Int32
    private let mailbox: MailboxOwner<ControlSocketServer.Answered>
    private let handler: ControlSocketServer.Handler
    private var connections: [Int: ControlConnection] = [:]
    private var nextConnection = 0
    private var pause = AcceptPause()
    private let onExhausted: @Sendable (SystemCallError) -> Void
    private let clock = SystemTimeSource()

    /// More than any team of operators; a client that leaks connections must not use up the daemon's descriptors.
    private static let mostConnections = 32
    /// The listener, the mailbox's eventfd, and every connection.
    static let mostDescriptors = 2 + mostConnections
    /// Commands ask as soon as they are connected, and read as fast as they can; a person with another tool pastes.
    private static let longestQuiet = Duration.seconds(10)
    /// Longest silence of a connection while no other client can be accepted.
    private static let longestQuietWhenFull = Duration.seconds(2)

    init(
        listener: Int32, mailbox: MailboxOwner<ControlSocketServer.Answered>,
        handler: @escaping ControlSocketServer.Handler,
        onExhausted: @escaping @Sendable (SystemCallError) -> Void
    ) {
        self.listener = listener
        self.mailbox = mailbox
        self.handler = handler
        self.onExhausted = onExhausted
    }

    deinit { close(listener) }

    mutating func run() {
        while !mailbox.isStopping {
            takeAnswers()
            for (number, connection) in connections where connection.isOver { end(number, connection) }
            endQuiet()
            wait()
        }
        for connection in connections.values { connection.close() }
    }

    private mutating func end(_ number: Int, _ connection: ControlConnection) {
        connection.close()
        connections[number] = nil
        pause.closed()
    }

    /// Ends who has been quiet for too long, the longest first: clients that only keep connections must not keep others
    /// out, nor the descriptors from who needs them.
    private mutating func endQuiet() {
        guard let quiet = nextQuiet, quiet.end <= clock.now() else { return }
        if let connection = connections[quiet.number] { end(quiet.number, connection) }
    }

    /// Whose end is next, and when. Nil if every client waits for its answer.
    private var nextQuiet: (number: Int, end: MonotonicTime)? {
        let quiet = connections.filter { !$0.value.isAsking }.map { ($0.key, $0.value.quietSince) }
        let isFull = connections.count >= Self.mostConnections || pause.until != nil
        return quiet.min { $0.1 < $1.1 }.map { ($0.0, $0.1 + (isFull ? Self.longestQuietWhenFull : Self.longestQuiet)) }
    }

    private mutating func takeAnswers() {
        mailbox.drain { answered in
            connections[answered.connection]?.answer(answered.response)
            serve(answered.connection)
        }
    }

    private mutating func wait() {
        guard !mailbox.isStopping else { return }
        var descriptors = [pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0)]
        let accepts = connections.count < Self.mostConnections && pause.accepts(at: clock.now())
        descriptors.append(pollfd(fd: accepts ? listener : -1, events: Int16(POLLIN), revents: 0))
        let order = connections.keys.sorted()
        for number in order {
            guard let connection = connections[number] else { continue }
            var events: Int16 = 0
            // While a request is being answered nothing is read, so a client cannot pile up requests here.
            if !connection.isEnded, !connection.isAsking { events |= Int16(POLLIN) }
            if connection.wantsToWrite { events |= Int16(POLLOUT) }
            descriptors.append(pollfd(fd: events == 0 ? -1 : connection.descriptor, events: events, revents: 0))
        }
        let next = [pause.until, nextQuiet?.end].compactMap { $0 }.min()
        let wait = next.map { ($0 - clock.now()).pollTimeout } ?? -1
        guard poll(&descriptors, nfds_t(descriptors.count), wait) > 0 else { return }
        if descriptors[1].revents != 0 { accept() }
        for (number, descriptor) in zip(order, descriptors.dropFirst(2)) where descriptor.revents != 0 {
            if descriptor.revents & Int16(POLLOUT) != 0 { connections[number]?.write() }
            if descriptor.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
                connections[number]?.read()
                serve(number)
            }
        }
    }

    private mutating func accept() {
        let descriptor: Int32
        switch Acceptance(from: listener) {
        case .connection(let accepted): descriptor = accepted
        case .nobody: return
        case .exhausted(let error):
            pause.begin(at: clock.now())
            return onExhausted(error)
        }
        _ = CLinux_set_nonblocking(descriptor)
        var peer = CLinux_peer()
        guard CLinux_get_peer(descriptor, &peer) == 0 else {
            close(descriptor)
            return
        }
        connections[nextConnection] = ControlConnection(
            descriptor: descriptor, peer: ControlPeer(pid: peer.pid, uid: peer.uid, gid: peer.gid))
        nextConnection += 1
    }

    /// Hands out the connection's next request, if it has one.
    private mutating func serve(_ number: Int) {
        guard let line = connections[number]?.nextLine(), let peer = connections[number]?.peer else { return }
        connections[number]?.isAsking = true
        guard let request = ControlRequest(line: line) else {
            connections[number]?.answer(
                .refusal(code: "invalid", message: "a request is one line of JSON: {\"request\": \"status\"}"))
            return serve(number)
        }
        Task { [post = mailbox.post, handler] in
            post(ControlSocketServer.Answered(connection: number, response: await handler(request, peer)))
        }
    }
}
