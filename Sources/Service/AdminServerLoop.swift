import CLinux
import CMicroHTTPD
import Glibc
import Threads

/// What the admin server's thread does: lets libmicrohttpd work, takes answers to it, keeps the time.
///
/// The library has no thread of its own here, so that its callbacks, its handle and our table belong to one thread, and
/// so that `ping` comes round through the very loop that serves.
struct AdminServerLoop: ~Copyable {
    private let listener: Int32
    private let daemon: OpaquePointer
    private let reception: AdminReception
    private let mailbox: Mailbox<AdminServer.Command>
    private let clock = SystemTimekeeper()

    /// A connection more than the reception keeps can come in one round before the oldest is cut.
    private static let room = 2
    /// The listener, the mailbox's eventfd and the library's own, its epoll, and every connection.
    static func mostDescriptors(_ limits: AdminLimits) -> Int { 4 + limits.connections * room }
    /// Connections that are open at most, until those of them that were cut have been closed.
    private let mostConnections: Int

    /// Nil if the library has no memory or descriptors. The listener is closed in the end.
    init?(listener: Int32, reception: AdminReception, mailbox: Mailbox<AdminServer.Command>) {
        let limits = reception.limits
        guard
            let daemon = CMicroHTTPD_start(
                UInt32(limits.connections * Self.room), limits.memory,
                UInt32(clamping: limits.wholeConnection.components.seconds + 1), handleAdminRequest,
                handleAdminConnection, Unmanaged.passUnretained(reception).toOpaque())
        else {
            close(listener)
            return nil
        }
        self.listener = listener
        self.daemon = daemon
        mostConnections = limits.connections * Self.room
        self.reception = reception
        self.mailbox = mailbox
    }

    deinit {
        reception.wakeAll()
        // Tells the reception of each connection that it closes.
        MHD_stop_daemon(daemon)
        close(listener)
    }

    func run() {
        var isStopping = false
        while !isStopping {
            mailbox.drain { command in
                switch command {
                case .answered(let number, let reply): reception.answered(number, reply)
                case .ping(let answer): answer()
                case .stop: isStopping = true
                }
            }
            reception.tidy()
            accept()
            MHD_run(daemon)
            if !isStopping { wait() }
        }
        for command in mailbox.close() {
            if case .ping(let answer) = command { answer() }
        }
    }

    /// Takes who waits. Never more than fit: the library closes what is too many, and the newest is to be heard.
    private func accept() {
        var room = accepts ? mostConnections - reception.count : 0
        while room > 0 {
            switch Acceptance(from: listener) {
            case .connection(let descriptor): CMicroHTTPD_add(daemon, descriptor)
            case .nobody: return
            case .exhausted(let error): return reception.ranOut(error)
            }
            room -= 1
        }
    }

    private var accepts: Bool { reception.accepts && reception.count < mostConnections }

    private func wait() {
        var descriptors = [
            pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: CMicroHTTPD_poll_descriptor(daemon), events: Int16(POLLIN), revents: 0),
            pollfd(fd: accepts ? listener : -1, events: Int16(POLLIN), revents: 0),
        ]
        // Too many have come just now: the oldest go first.
        var timeouts: [Int64] = reception.isOverfull ? [0] : []
        var libraryTimeout: UInt64 = 0
        if MHD_get_timeout(daemon, &libraryTimeout) == .YES { timeouts.append(Int64(clamping: libraryTimeout)) }
        if let deadline = reception.nextDeadline {
            // Rounded up, so that the deadline is past when the thread wakes for it.
            timeouts.append(max(0, (deadline - clock.now()).milliseconds + 1))
        }
        // What wakes it for nothing costs a few microseconds; it never sleeps over a command or a connection.
        _ = poll(&descriptors, nfds_t(descriptors.count), timeouts.min().map { Int32(clamping: $0) } ?? -1)
    }
}

// File-private and free, as C wants its callbacks. The context is the reception, which the loop keeps alive.
private func reception(_ context: UnsafeMutableRawPointer?) -> AdminReception {
    guard let context else { preconditionFailure("libmicrohttpd gives back the context that it was started with") }
    return Unmanaged<AdminReception>.fromOpaque(context).takeUnretainedValue()
}

private func handleAdminConnection(
    _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?,
    _ own: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ event: MHD_ConnectionNotificationCode
) {
    guard let handle else { return }
    if event == .CONNECTION_NOTIFY_STARTED {
        reception(context).opened(handle)
    } else {
        reception(context).closed(handle)
    }
}

/// Called when a request's head is complete, and again when the request is, and after each resumption.
private func handleAdminRequest(
    _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?, _ path: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ body: UnsafePointer<CChar>?,
    _ bodySize: UnsafeMutablePointer<Int>?, _ own: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let handle, let path, let method, let own else { return .NO }
    let reception = reception(context)
    guard own.pointee == nil else {
        return reception.asked(handle, path: String(cString: path)) ? .YES : .NO
    }
    // Anything but nil: the head of this request has been seen.
    own.pointee = context
    func value(_ name: String) -> String? {
        MHD_lookup_connection_value(handle, .HEADER_KIND, name).map { String(cString: $0) }
    }
    let length = value("Content-Length")
    let request = AdminRequest(
        method: String(cString: method), path: String(cString: path), host: value("Host"),
        hasBody: value("Transfer-Encoding") != nil || (length != nil && length != "0"))
    return reception.began(handle, request) ? .YES : .NO
}
