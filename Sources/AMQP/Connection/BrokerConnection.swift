import CRabbitMQ
import Concurrency
import Glibc

/// One connection to one broker: librabbitmq's handle, owned by the thread that made it, good for one TCP connection.
///
/// After any fault the only thing left to do with it is to let it go.
struct BrokerConnection: ~Copyable {
    static let channel: amqp_channel_t = 1
    /// Larger frames gain nothing for messages of at most a few kilobytes.
    static let frameMax: Int32 = 131_072

    let endpoint: Endpoint
    let stallGuard: StallGuard
    let heartbeat: Duration
    private let state: amqp_connection_state_t
    let arena = CArena()
    var outgoing: OutgoingFrames
    private var isHealthy = true

    /// Connects, logs in. Each step has a budget, so that the thread is back before anyone takes it for stuck.
    init(_ endpoint: Endpoint, _ configuration: LinkConfiguration, stallGuard: StallGuard) throws(LinkError) {
        let authentication = try Self.onThisSide { () throws(LinkError) in
            try Self.authentication(endpoint, configuration)
        }
        guard let state = amqp_new_connection() else {
            throw LinkError(
                .unreachable, endpoint: endpoint.description, attempted: "connecting", message: "out of memory")
        }
        do throws(LinkError) {
            try Self.onThisSide { () throws(LinkError) in
                try Self.lookUp(endpoint, configuration)
                try Self.connect(state, endpoint, configuration)
                Self.protect(amqp_get_sockfd(state), configuration)
                // Without the guard a send that never ends would hold the thread for good.
                guard stallGuard.watch(descriptor: amqp_get_sockfd(state)) else {
                    throw LinkError(
                        .unreachable, endpoint: endpoint.description, attempted: "connecting",
                        message: SystemCallError("duplicating its socket").description)
                }
            }
            try Self.logIn(state, endpoint, configuration, authentication)
            guard amqp_get_heartbeat(state) > 0 else {
                throw LinkError(
                    .protocolViolation, endpoint: endpoint.description, attempted: "negotiating",
                    message: "the broker has heartbeats off; without them a dead peer is not noticed: set `heartbeat`")
            }
        } catch {
            stallGuard.forget()
            amqp_destroy_connection(state)
            throw error
        }
        self.endpoint = endpoint
        self.stallGuard = stallGuard
        heartbeat = configuration.heartbeat
        outgoing = OutgoingFrames(channel: Self.channel, frameMax: Int(amqp_get_frame_max(state)))
        self.state = state
    }

    deinit {
        // Closing is a request that can hang, so it is only for `close`; here the socket goes first.
        stallGuard.cut()
        stallGuard.forget()
        amqp_destroy_connection(state)
    }

    // MARK: Calls into the library

    /// Each call is under the guard, and its code is read here: the library has one slot for errors.
    private mutating func call(
        _ attempted: () -> String, _ body: (amqp_connection_state_t) -> Int32
    ) throws(LinkError) {
        stallGuard.entered()
        errno = 0
        let code = body(state)
        stallGuard.left()
        guard code >= 0 else {
            isHealthy = false
            throw Self.failure(code, endpoint, attempted())
        }
    }

    /// A request and its answer. A closed channel leaves the connection usable; everything else ends it.
    mutating func request<Answer>(
        _ attempted: String, _ body: (amqp_connection_state_t, CArena) -> Answer?
    ) throws(LinkError) -> Answer {
        stallGuard.entered()
        errno = 0
        let answer = body(state, arena)
        arena.reset()
        let reply = amqp_get_rpc_reply(state)
        stallGuard.left()
        if let answer, reply.reply_type == AMQP_RESPONSE_NORMAL { return answer }
        let error = Self.failure(reply, state, endpoint, attempted)
        if case .channelClosed = error.kind {
            try acknowledgeChannelClose()
        } else {
            isHealthy = false
        }
        throw error
    }

    mutating func acknowledgeChannelClose() throws(LinkError) {
        try call({ "answering a closed channel" }) { state in
            var closed = amqp_channel_close_ok_t()
            return amqp_send_method(state, Self.channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &closed)
        }
    }

    mutating func acknowledgeConnectionClose() {
        var closed = amqp_connection_close_ok_t()
        stallGuard.entered()
        amqp_send_method(state, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &closed)
        stallGuard.left()
        isHealthy = false
    }

    mutating func openChannel() throws(LinkError) {
        _ = try request("opening a channel") { state, _ in amqp_channel_open(state, Self.channel)?.pointee }
    }

    /// Everything unsettled on it goes back to the broker's queues, and everything that came on it and was not taken is
    /// dropped: the next channel has the same number, and its first delivery the same tag as this one's.
    mutating func closeChannel() throws(LinkError) {
        stallGuard.entered()
        let reply = amqp_channel_close(state, Self.channel, AMQP_REPLY_SUCCESS)
        stallGuard.left()
        guard reply.reply_type == AMQP_RESPONSE_NORMAL else {
            isHealthy = false
            throw Self.failure(reply, state, endpoint, "closing a channel")
        }
        // The library queues what comes while it waits for an answer; all of that was sent before the answer.
        while amqp_frames_enqueued(state) != 0 {
            guard case .connectionClosed(let code, let text)? = try receive() else { continue }
            acknowledgeConnectionClose()
            throw LinkError(
                .connectionClosed(code), endpoint: endpoint.description, attempted: "closing a channel", message: text)
        }
    }

    /// Says goodbye, if the connection is in order; a request that can hang, so never on a doubtful one.
    consuming func close() {
        guard isHealthy else { return }
        stallGuard.entered()
        _ = amqp_connection_close(state, AMQP_REPLY_SUCCESS)
        stallGuard.left()
    }

    mutating func send(
        _ attempted: @autoclosure () -> String, _ body: (amqp_connection_state_t, CArena) -> Int32
    ) throws(LinkError) {
        let arena = arena
        defer { arena.reset() }
        try call(attempted) { state in body(state, arena) }
    }

    // MARK: Frames

    /// The socket to poll; the library may close it at any call, so it is asked for anew each time.
    var descriptor: Int32 { amqp_get_sockfd(state) }

    /// Bytes or frames that a poll of the socket would not show.
    var hasBufferedInput: Bool { amqp_frames_enqueued(state) != 0 || amqp_data_in_buffer(state) != 0 }

    var unsentBytes: Int { Int(CRabbitMQ_unsent(amqp_get_sockfd(state))) }

    /// The next frame, if one is there: it never waits. Also where heartbeats are sent and missed ones noticed.
    mutating func receive() throws(LinkError) -> Frame? {
        var frame = amqp_frame_t()
        var none = timeval(tv_sec: 0, tv_usec: 0)
        stallGuard.entered()
        errno = 0
        let code = amqp_simple_wait_frame_noblock(state, &frame, &none)
        stallGuard.left()
        if code == AMQP_STATUS_TIMEOUT.rawValue { return nil }
        guard code == AMQP_STATUS_OK.rawValue else {
            isHealthy = false
            throw Self.failure(code, endpoint, "receiving")
        }
        return FrameReading.frame(frame, channel: Self.channel)
    }

    /// Gives memory back. After each batch; what was copied out stays.
    mutating func release() {
        amqp_maybe_release_buffers(state)
    }
}
