import CLinux
package import Concurrency
import Glibc

/// The daemon's control socket: lines of JSON over a Unix socket of mode 0660, served by one thread.
///
/// Who may open the socket may ask; the kernel says who it is, for the log.
package final class ControlSocketServer: RunningService {
    package typealias Handler = @Sendable (ControlRequest, ControlPeer) async -> ControlResponse

    /// The request of that connection was answered.
    struct Answered: Sendable {
        let connection: Int
        let response: ControlResponse
    }

    package let path: String
    private let thread: MailboxThread<Answered>

    /// Listens at `path`, replacing a socket that nobody listens on. `handler` runs in a task of its own for each
    /// request. Throws if the socket cannot be made, or if another process listens there (EADDRINUSE). `onExhausted` is
    /// told, on the socket's thread, each time that whoever waits cannot be let in for want of a descriptor; it is
    /// tried again by itself.
    package init(
        path: String, onExhausted: @escaping @Sendable (SystemCallError) -> Void = { _ in }, handler: @escaping Handler
    ) throws(SystemCallError) {
        self.path = path
        let listener = try Self.listen(path)
        do throws(SystemCallError) {
            thread = try MailboxThread(name: "control") { mailbox in
                var loop = ControlSocketLoop(
                    listener: listener, mailbox: mailbox, handler: handler, onExhausted: onExhausted)
                loop.run()
                // Once, and before `stop` returns: whoever listens here after that is another.
                unlink(path)
            }
        } catch {
            close(listener)
            unlink(path)
            throw error
        }
    }

    /// What a server may have open at once.
    package static let mostDescriptors = ControlSocketLoop.mostDescriptors

    /// Connections that wait to be accepted. People ask, not programs in numbers.
    private static let backlog: Int32 = 16
    /// Owner and group: whoever administers the daemon is in its group.
    private static let mode: mode_t = 0o660

    private static func listen(_ path: String) throws(SystemCallError) -> Int32 {
        guard let address = UnixSocketAddress(path: path) else {
            throw SystemCallError("control socket \(path)", code: ENAMETOOLONG)
        }
        let listener = UnixSocketAddress.makeSocket()
        guard listener >= 0 else { throw SystemCallError("making the control socket") }
        func fail(_ error: SystemCallError) -> SystemCallError {
            close(listener)
            return error
        }
        if address.with({ bind(listener, $0, $1) }) != 0 {
            guard CLinux_errno() == EADDRINUSE else { throw fail(SystemCallError("binding control socket \(path)")) }
            do throws(SystemCallError) {
                guard try !isAlive(address), isSocket(path), unlink(path) == 0,
                    address.with({ bind(listener, $0, $1) }) == 0
                else { throw SystemCallError("binding control socket \(path)", code: EADDRINUSE) }
            } catch {
                throw fail(error)
            }
        }
        // Before it listens, nobody can connect: the mode is right from the first connection on.
        guard chmod(path, mode) == 0, Glibc.listen(listener, backlog) == 0 else {
            let error = SystemCallError("listening on control socket \(path)")
            unlink(path)
            throw fail(error)
        }
        return listener
    }

    private static func isAlive(_ address: UnixSocketAddress) throws(SystemCallError) -> Bool {
        let probe = UnixSocketAddress.makeSocket()
        guard probe >= 0 else { throw SystemCallError("looking who has the control socket") }
        defer { close(probe) }
        return address.with { connect(probe, $0, $1) } == 0 || CLinux_errno() != ECONNREFUSED
    }

    private static func isSocket(_ path: String) -> Bool {
        var information = stat()
        return lstat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFSOCK
    }

    package func ping(_ answer: @escaping @Sendable () -> Void) { thread.ping(answer) }

    /// Drops every connection and removes the socket.
    package func stop() { thread.stop() }
}
