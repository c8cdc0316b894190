import CLinux
import CMicroHTTPD
import Clocks
import Concurrency
import Glibc
import HTTP

/// Who is connected to the admin server and what becomes of each request. Used by the server's thread alone:
/// libmicrohttpd calls it from within `MHD_run`.
final class AdminReception {
    private let routes: [String: AdminServer.Handler]
    private let onLoopback: Bool
    let limits: AdminLimits
    private let post: @Sendable (AdminServer.Answered) -> Void
    private let clock: any TimeSource
    private var connections: [OpaquePointer: AdminConnection] = [:]
    private var nextNumber = 0
    /// Handlers that were asked and have not answered, those of connections that are gone included.
    private var running = 0
    private var pause = AcceptPause()
    private let onExhausted: @Sendable (SystemCallError) -> Void

    init(
        routes: [String: AdminServer.Handler], onLoopback: Bool, limits: AdminLimits,
        post: @escaping @Sendable (AdminServer.Answered) -> Void, clock: any TimeSource,
        onExhausted: @escaping @Sendable (SystemCallError) -> Void
    ) {
        self.routes = routes
        self.onLoopback = onLoopback
        self.limits = limits
        self.post = post
        self.clock = clock
        self.onExhausted = onExhausted
    }

    // MARK: Who may come

    /// Connections that are open, those that were cut included.
    var count: Int { connections.count }

    /// More than fit, which `tidy` will see to.
    var isOverfull: Bool { connections.count(where: { !$0.value.isCut }) > limits.connections }

    /// Whether there was a descriptor the last time, or it is time to try again.
    var accepts: Bool { pause.accepts(at: clock.now()) }

    /// Notes that no more clients can be accepted, and cuts the oldest connection that has sent no request for a while.
    func ranOut(_ error: SystemCallError) {
        let now = clock.now()
        pause.begin(at: now)
        let silent = connections.filter { _, connection in
            guard case .reading = connection.phase, !connection.isCut else { return false }
            return connection.deadline + Self.quietTime <= now + limits.wholeConnection
        }
        if let oldest = silent.min(by: { $0.value.number < $1.value.number }) { cut(oldest.key) }
        onExhausted(error)
    }

    /// Clients ask as soon as they are connected.
    private static let quietTime = Duration.seconds(1)

    // MARK: What the library tells

    func opened(_ handle: OpaquePointer) {
        connections[handle] = AdminConnection(
            number: nextNumber, descriptor: CMicroHTTPD_descriptor(handle),
            deadline: clock.now() + limits.wholeConnection)
        nextNumber += 1
    }

    func closed(_ handle: OpaquePointer) {
        connections[handle] = nil
        pause.closed()
    }

    /// The head of a request has come. An answer that is given now ends the connection without reading on.
    func began(_ handle: OpaquePointer, _ request: AdminRequest) -> Bool {
        guard let refusal = request.refusal(onLoopback: onLoopback) else { return true }
        return send(refusal, on: handle)
    }

    /// The request is complete, or its handler has answered.
    func asked(_ handle: OpaquePointer, path: String) -> Bool {
        switch connections[handle]?.phase {
        case .reading: return answer(handle, path)
        case .asking: return true
        case .answered(let reply): return send(reply, on: handle)
        case .dropped, .sending, nil: return false
        }
    }

    private func answer(_ handle: OpaquePointer, _ path: String) -> Bool {
        guard let number = connections[handle]?.number, let handler = routes[path] else {
            return send(.text("there is nothing at this path", status: 404), on: handle)
        }
        guard running < limits.connections else {
            return send(.text("too many questions wait for an answer", status: 503), on: handle)
        }
        running += 1
        connections[handle]?.phase = .asking(until: clock.now() + limits.answer)
        let query = AdminQuery(of: handle)
        MHD_suspend_connection(handle)
        Task { [post] in
            post(AdminServer.Answered(connection: number, reply: await handler(query)))
        }
        return true
    }

    private func send(_ reply: AdminReply, on handle: OpaquePointer) -> Bool {
        connections[handle]?.phase = .sending
        let response = reply.body.withUnsafeBytes { body in
            MHD_create_response_from_buffer(
                body.count, UnsafeMutableRawPointer(mutating: body.baseAddress), .RESPMEM_MUST_COPY)
        }
        // Without memory for it the connection is closed.
        guard let response else { return false }
        defer { MHD_destroy_response(response) }
        // One request, then the end: what is held for a connection is held for ten seconds.
        for field in reply.allFields + [HTTPField("Connection", "close")] {
            guard MHD_add_response_header(response, field.name, field.value) == .YES else { return false }
        }
        return MHD_queue_response(handle, UInt32(reply.status), response) == .YES
    }

    // MARK: What the thread tells

    func answered(_ number: Int, _ reply: AdminReply) {
        running -= 1
        guard let handle = connections.first(where: { $0.value.number == number })?.key,
            connections[handle]?.isSuspended == true
        else { return }
        wake(handle, .answered(reply))
    }

    private func wake(_ handle: OpaquePointer, _ phase: AdminConnection.Phase) {
        connections[handle]?.phase = phase
        MHD_resume_connection(handle)
    }

    /// Answers for handlers that take too long, and cuts what is over its time or too many.
    func tidy() {
        let now = clock.now()
        for (handle, connection) in connections {
            if case .asking(let until) = connection.phase, until <= now {
                wake(handle, .answered(.text("no answer in time", status: 503)))
            }
            if connection.deadline <= now { cut(handle) }
        }
        let living = connections.filter { !$0.value.isCut }
        guard living.count > limits.connections else { return }
        let oldest = living.sorted { $0.value.number < $1.value.number }
        for (handle, _) in oldest.prefix(living.count - limits.connections) { cut(handle) }
    }

    /// Ends the stream under the library, which closes the connection when it sees that.
    private func cut(_ handle: OpaquePointer) {
        guard let connection = connections[handle], !connection.isCut else { return }
        connections[handle]?.isCut = true
        shutdown(connection.descriptor, Int32(SHUT_RDWR))
        if connection.isSuspended { wake(handle, .dropped) }
    }

    /// The next time at which a connection's deadline or the accept pause ends; nil if there is none.
    var nextDeadline: MonotonicTime? {
        let ends = connections.values.flatMap { connection -> [MonotonicTime] in
            var times = connection.isCut ? [] : [connection.deadline]
            if case .asking(let until) = connection.phase { times.append(until) }
            return times
        }
        return (ends + [pause.until].compactMap { $0 }).min()
    }

    /// The library must not be stopped with a connection suspended.
    func wakeAll() {
        for (handle, connection) in connections where connection.isSuspended { wake(handle, .dropped) }
    }
}
