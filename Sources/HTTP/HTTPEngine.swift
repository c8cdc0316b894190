import CCurl
public import Threads

/// Requests in, answers out: one thread around a libcurl multi handle, which keeps and reuses connections.
public final class HTTPEngine: Sendable {
    enum Command: Sendable {
        case send(HTTPRequest, Transfer.Reply)
        case ping(@Sendable () -> Void)
        case stop
    }

    private let mailbox: Mailbox<Command>
    private let thread: NativeThread

    public init(_ configuration: HTTPConfiguration) throws(SystemCallError) {
        let mailbox = try Mailbox<Command>()
        self.mailbox = mailbox
        // Once, before the first handle: later it could race with other threads.
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK else {
            throw SystemCallError("initialising libcurl", code: 12)
        }
        thread = try NativeThread(name: "http") {
            var loop = HTTPLoop(configuration, mailbox: mailbox)
            loop.run()
        }
    }

    /// One exchange. It is not cancelled with its task: what was sent has to be heard out, or be known as ambiguous.
    public func send(_ request: HTTPRequest) async -> HTTPExchange {
        await withCheckedContinuation { reply in
            if !mailbox.post(.send(request, reply)) { Self.refuse(reply) }
        }
    }

    static func refuse(_ reply: Transfer.Reply) {
        reply.resume(returning: .notSent(HTTPFault(kind: .stopped, code: 0, detail: "the daemon is stopping")))
    }

    /// Answered by the engine's thread when it comes round: proof that it lives.
    public func ping(_ answer: @escaping @Sendable () -> Void) {
        if !mailbox.post(.ping(answer)) { answer() }
    }

    /// Ends what is in flight, as ambiguous if any of it was sent, and the thread. Not from a task: it waits.
    public func stop() {
        guard mailbox.post(.stop) else { return }
        thread.join()
    }
}
