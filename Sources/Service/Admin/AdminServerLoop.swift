import CLinux
import CMicroHTTPD
import Clocks
import Concurrency
import Glibc

/// What the admin server's thread does: lets libmicrohttpd work, takes answers to it, keeps the time.
///
/// The library has no thread of its own here, so that its callbacks, its handle and our table belong to one thread, and
/// so that `ping` comes round through the very loop that serves.
struct AdminServerLoop: ~Copyable {
    private let listener: Int32
    private let daemon: OpaquePointer
    private let reception: AdminReception
    private let mailbox: MailboxOwner<AdminServer.Answered>
    private let clock = SystemTimeSource()

    /// A connection more than the reception keeps can come in one round before the oldest is cut.
    private static let connectionsPerPlace = 2
    /// The listener, the mailbox's eventfd and the library's own, its epoll, and every connection.
    static func mostDescriptors(_ limits: AdminLimits) -> Int { 4 + limits.connections * connectionsPerPlace }
    /// Connections that are open at most, until those of them that were cut have been closed.
    private let mostConnections: Int

    /// Nil if the library has no memory or descriptors. The listener is closed in the end.
    init?(listener: Int32, reception: AdminReception, mailbox: MailboxOwner<AdminServer.Answered>) {
        let limits = reception.limits
        guard
            let daemon = CMicroHTTPD_start(
                UInt32(limits.connections * Self.connectionsPerPlace), limits.memory,
                UInt32(clamping: limits.wholeConnection.components.seconds + 1), handleAdminRequest,
                handleAdminConnection, Unmanaged.passUnretained(reception).toOpaque())
        else {
            close(listener)
            return nil
        }
        self.listener = listener
        self.daemon = daemon
        mostConnections = limits.connections * Self.connectionsPerPlace
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
        while !mailbox.isStopping {
            mailbox.drain { reception.answered($0.connection, $0.reply) }
            reception.tidy()
            accept()
            MHD_run(daemon)
            wait()
        }
    }

    /// Takes who waits. Never more than fit: the library closes what is too many, and the newest is to be heard.
    private func accept() {
        var remaining = accepts ? mostConnections - reception.count : 0
        while remaining > 0 {
            switch Acceptance(from: listener) {
            case .connection(let descriptor): CMicroHTTPD_add(daemon, descriptor)
            case .nobody: return
            case .exhausted(let error): return reception.ranOut(error)
            }
            remaining -= 1
        }
    }

    private var accepts: Bool { reception.accepts && reception.count < mostConnections }

    /// It never sleeps over a command or a connection.
    private func wait() {
        var times: [Duration] = []
        // Too many have come just now: the oldest go first.
        if reception.isOverfull { times.append(.zero) }
        var libraryTimeout: UInt64 = 0
        if MHD_get_timeout(daemon, &libraryTimeout) == .YES {
            times.append(.milliseconds(Int64(clamping: libraryTimeout)))
        }
        if let deadline = reception.nextDeadline { times.append(deadline - clock.now()) }
        mailbox.wait(
            atMost: times.min(),
            alsoReadable: [CMicroHTTPD_poll_descriptor(daemon), accepts ? listener : -1])
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
