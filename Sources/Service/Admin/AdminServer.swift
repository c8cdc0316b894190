import CLinux
package import Clocks
package import Concurrency
import Glibc

/// The read-only HTTP of an operator: `/metrics`, `/livez` and whatever else is routed, on one thread.
///
/// Nobody can hold anything by being slow, large or wrong: each connection is good for one request and ten seconds,
/// whatever it does in them; of too many the oldest goes; a request has no body and a head of a few KiB; an endpoint
/// that does not answer in time is answered for.
package final class AdminServer: RunningService {
    /// Answers one endpoint, in a task of its own. It may take some seconds, and then a 503 is sent in its place.
    package typealias Handler = @Sendable (AdminQuery) async -> AdminReply

    /// The handler of that connection's request has answered.
    struct Answered: Sendable {
        let connection: Int
        let reply: AdminReply
    }

    package let host: String
    /// The port it listens on, also where the system chose it.
    package let port: UInt16
    private let thread: MailboxThread<Answered>

    /// Listens on a numeric address; port 0 picks a free one. `routes`: path → what answers GET and HEAD for it.
    ///
    /// Throws at once if it cannot listen, naming address and setting: EADDRINUSE, EACCES, EADDRNOTAVAIL, or EINVAL
    /// for a host that is not numbers; EMFILE or ENFILE without descriptors. `onExhausted` is told, on the server's
    /// thread, each time that whoever waits cannot be let in for want of one; it is tried again by itself.
    package init(
        host: String, port: UInt16, limits: AdminLimits = AdminLimits(), routes: [String: Handler],
        clock: any TimeSource = SystemTimeSource(),
        onExhausted: @escaping @Sendable (SystemCallError) -> Void = { _ in }
    ) throws(SystemCallError) {
        self.host = host
        guard let address = NumericSocketAddress(host: host, port: port) else {
            throw SystemCallError("listening on \(host) (admin.listen)", code: EINVAL)
        }
        let started = try Wake()
        let listener = try Self.listen(address, name: host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")
        self.port = NumericSocketAddress.port(of: listener)
        let hasStarted = Lock(false)
        do throws(SystemCallError) {
            thread = try MailboxThread(name: "admin") { mailbox in
                let reception = AdminReception(
                    routes: routes, onLoopback: address.isLoopback, limits: limits, post: mailbox.post, clock: clock,
                    onExhausted: onExhausted)
                guard let loop = AdminServerLoop(listener: listener, reception: reception, mailbox: mailbox) else {
                    return started.signal()
                }
                hasStarted.withLock { $0 = true }
                started.signal()
                loop.run()
            }
        } catch {
            close(listener)
            throw error
        }
        // It takes the thread microseconds to say whether libmicrohttpd has what it needs.
        var descriptor = pollfd(fd: started.descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&descriptor, 1, -1) < 0, CLinux_errno() == EINTR {}
        guard hasStarted.withLock({ $0 }) else {
            thread.stop()
            // The library says only that it could not.
            throw SystemCallError(
                "starting the HTTP server of admin.listen", code: DescriptorShortage.now()?.code ?? ENOMEM)
        }
    }

    /// What a server may have open at once.
    package static let mostDescriptors = AdminServerLoop.mostDescriptors(AdminLimits())

    /// Connections that wait to be accepted, which takes microseconds.
    private static let backlog: Int32 = 128

    private static func listen(_ address: NumericSocketAddress, name: String) throws(SystemCallError) -> Int32 {
        let what = "listening on \(name) (admin.listen)"
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let listener = socket(address.family, type, 0)
        guard listener >= 0 else { throw SystemCallError(what) }
        var yes: Int32 = 1
        // A restart listens where the last run's connections are still dying.
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard address.with({ bind(listener, $0, $1) }) == 0, Glibc.listen(listener, backlog) == 0 else {
            let error = SystemCallError(what)
            close(listener)
            throw error
        }
        return listener
    }

    /// Where it listens, as a URL's authority.
    package var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    package func ping(_ answer: @escaping @Sendable () -> Void) { thread.ping(answer) }

    /// Drops every connection.
    package func stop() { thread.stop() }
}

/// How much the admin server's clients may take of it.
package struct AdminLimits: Sendable {
    /// From the connection's beginning to its end, whatever happens on it. Prometheus gives a scrape ten seconds.
    package var wholeConnection = Duration.seconds(10)
    /// An endpoint answers from memory; what takes longer has met something that hangs.
    package var answer = Duration.seconds(5)
    /// Open at once; beyond this the oldest goes, so that the newest is always heard. A scraper and some browsers need
    /// ten.
    package var connections = 64
    /// For the head of a request and that of its answer, each connection's own. Browsers send all cookies of
    /// `localhost`, which can be several KiB.
    package var memory = 16 << 10

    package init() {}
}
