import CCurl
import CLinux
import Threads

/// Requests in, answers out: one thread around a libcurl multi handle, which keeps and reuses connections.
///
/// Whoever makes one stops it.
public final class HTTPEngine: Sendable {
    enum Command: Sendable {
        case send(HTTPRequest, HTTPReply)
        case ping(@Sendable () -> Void)
        case stop
    }

    private let mailbox: Mailbox<Command>
    private let thread: NativeThread
    // Set by the first `stop`, so that the thread is joined once.
    private let isStopped = Lock(false)

    // Once in the process and before the first handle, as libcurl wants it.
    private static let initialised = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

    public init(_ configuration: HTTPConfiguration) throws(HTTPEngineError) {
        guard Self.initialised == CURLE_OK else {
            throw .libcurl(code: Int32(bitPattern: Self.initialised.rawValue))
        }
        try Self.checkLibrary()
        do throws(SystemCallError) {
            let mailbox = try Mailbox<Command>()
            self.mailbox = mailbox
            let epoll = try Epoll()
            try epoll.add(mailbox.descriptor, EPOLLIN.rawValue)
            thread = try NativeThread(name: "http") {
                var loop = HTTPLoop(configuration, mailbox: mailbox, sockets: SocketWatch(epoll))
                loop.run()
            }
        } catch {
            throw .system(error)
        }
    }

    /// One exchange. It is not cancelled with its task: what was sent has to be heard out, or be known as ambiguous.
    public func send(_ request: HTTPRequest) async -> HTTPExchange {
        await withCheckedContinuation { reply in
            if !mailbox.post(.send(request, reply)) {
                reply.resume(returning: .notSent(.stopped))
            }
        }
    }

    /// Answered by the engine's thread when it comes round: proof that it lives. At once after the engine's end.
    public func ping(_ answer: @escaping @Sendable () -> Void) {
        if !mailbox.post(.ping(answer)) { answer() }
    }

    /// Ends what is in flight, as ambiguous if any of it was sent, then the thread, and waits for that: milliseconds,
    /// but not from a task. A second call returns at once.
    public func stop() {
        let isFirst = isStopped.withLock { isStopped in
            defer { isStopped = true }
            return !isStopped
        }
        guard isFirst else { return }
        mailbox.post(.stop)
        thread.join()
    }

    private static func checkLibrary() throws(HTTPEngineError) {
        guard let info = curl_version_info(CURLVERSION_FIRST) else {
            throw .unsuitable(version: "", missing: "a version")
        }
        let version = String(cString: info.pointee.version)
        // 7.87 brought the last option that is set.
        guard info.pointee.version_num >= 0x07_5700 else {
            throw .unsuitable(version: version, missing: "options")
        }
        // A resolver that blocks would stop every transfer.
        for (feature, name) in [
            (CURL_VERSION_SSL, "TLS"), (CURL_VERSION_ASYNCHDNS, "an asynchronous resolver"),
        ] {
            guard info.pointee.features & feature != 0 else {
                throw .unsuitable(version: version, missing: name)
            }
        }
    }
}

typealias HTTPReply = CheckedContinuation<HTTPExchange, Never>

extension HTTPFault {
    static let stopped = HTTPFault(kind: .stopped, detail: "the daemon is stopping")
}
