import CCurl
import CLinux
package import Clocks
package import Concurrency

/// Requests in, answers out: one thread around a libcurl multi handle, which keeps and reuses connections, and which
/// can run the tasks of those who ask.
///
/// Whoever makes one stops it.
package final class HTTPEngine: RunningService {
    /// An exchange that somebody waits for. A class, because it moves from list to list until it begins.
    final class Order: Sendable {
        let request: HTTPRequest
        let purpose: Transfer.Purpose
        let reply: HTTPReply

        init(request: HTTPRequest, purpose: Transfer.Purpose, reply: HTTPReply) {
            self.request = request
            self.purpose = purpose
            self.reply = reply
        }
    }

    enum Command: Sendable {
        case carry(Order)
        case abandon
    }

    private let thread: MailboxThread<Command>

    // Once in the process and before the first handle, as libcurl wants it.
    // https://curl.se/libcurl/c/curl_global_init.html
    private static let initialised = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

    /// `clock` is what a request's send window is of, and how long it waits for a place. The connections' own times are
    /// the machine's.
    package init(
        _ configuration: HTTPConfiguration, clock: any TimeSource = SystemTimeSource()
    ) throws(HTTPEngineError) {
        guard Self.initialised == CURLE_OK else {
            throw .libcurl(code: Int32(bitPattern: Self.initialised.rawValue))
        }
        try Self.checkLibrary()
        do throws(SystemCallError) {
            let epoll = try Epoll()
            thread = try MailboxThread(
                name: "http",
                preparing: { mailbox throws(SystemCallError) in try epoll.add(mailbox, EPOLLIN.rawValue) }
            ) { mailbox in
                let sockets = SocketWatch(epoll, unacknowledgedAtMost: configuration.timeout)
                var loop = HTTPLoop(configuration, clock: clock, mailbox: mailbox, sockets: sockets)
                loop.run()
            }
        } catch {
            throw .system(error)
        }
    }

    /// One exchange. It is not cancelled with its task: what was sent has to be heard out, or be known as ambiguous.
    package func send(_ request: HTTPRequest) async -> HTTPExchange {
        await carry(request, for: .exchange)
    }

    /// A connection to the URL's host, made and kept for the next request, or one that is there already. Nothing is
    /// sent over it but what TLS and a proxy take.
    /// - Returns: why there is none; nil if there is.
    package func warmUp(_ url: String) async -> HTTPFault? {
        switch await carry(HTTPRequest(.get, url: url), for: .connection) {
        case .notSent(let fault), .ambiguous(let fault): fault.kind == .tooLate ? nil : fault
        case .answered: nil
        }
    }

    private func carry(_ request: HTTPRequest, for purpose: Transfer.Purpose) async -> HTTPExchange {
        await withCheckedContinuation { reply in
            if !thread.post(.carry(Order(request: request, purpose: purpose, reply: reply))) {
                reply.resume(returning: .notSent(.stopped))
            }
        }
    }

    package func ping(_ answer: @escaping @Sendable () -> Void) { thread.ping(answer) }

    /// Runs tasks on the engine's thread: to those that ask for exchanges an answer comes without a change of thread.
    /// They must not block, or no exchange goes on, and end before the engine is stopped.
    package var executor: any TaskExecutor { thread }

    /// Ends what is in flight, as ambiguous if any of it was sent, and begins nothing any more. Tasks go on.
    package func abandon() { thread.post(.abandon) }

    /// As `abandon`, and ends the thread: within milliseconds.
    package func stop() { thread.stop() }

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
    static let tooLate = HTTPFault(kind: .tooLate, detail: "the send window was over before it could begin")
}

/// Why the engine cannot start.
package enum HTTPEngineError: Error, Sendable, CustomStringConvertible {
    /// libcurl did not initialise; its CURLcode. Without memory, or with a broken TLS library.
    case libcurl(code: Int32)
    /// This libcurl lacks something that the engine cannot do without.
    case unsuitable(version: String, missing: String)
    case system(SystemCallError)

    package var description: String {
        switch self {
        case .libcurl(let code):
            "libcurl does not initialise (curl \(code)); look at its TLS library's configuration"
        case .unsuitable(let version, let missing):
            "libcurl \(version) lacks \(missing); install at least 7.88"
        case .system(let error): "starting the HTTP engine: \(error)"
        }
    }
}
