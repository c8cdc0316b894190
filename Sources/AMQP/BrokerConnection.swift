import CRabbitMQ
import Glibc
import Secrets
import Threads

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
    private var isHealthy = true

    /// Connects, logs in. Each step has a budget, so that the thread is back before anyone takes it for stuck.
    init(_ endpoint: Endpoint, _ configuration: LinkConfiguration, stallGuard: StallGuard) throws(LinkError) {
        let authentication = try Self.authentication(endpoint, configuration)
        guard let state = amqp_new_connection() else {
            throw LinkError(
                .unreachable, endpoint: endpoint.description, attempted: "connecting", words: "out of memory")
        }
        do throws(LinkError) {
            try Self.lookUp(endpoint, configuration)
            try Self.connect(state, endpoint, configuration)
            Self.protect(amqp_get_sockfd(state), configuration)
            stallGuard.watch(descriptor: amqp_get_sockfd(state))
            try Self.logIn(state, endpoint, configuration, authentication)
            guard amqp_get_heartbeat(state) > 0 else {
                throw LinkError(
                    .protocolViolation, endpoint: endpoint.description, attempted: "negotiating",
                    words: "the broker has heartbeats off; without them a dead peer is not noticed: set `heartbeat`")
            }
        } catch {
            stallGuard.forget()
            amqp_destroy_connection(state)
            throw error
        }
        self.endpoint = endpoint
        self.stallGuard = stallGuard
        heartbeat = configuration.heartbeat
        self.state = state
    }

    deinit {
        // Closing is a request that can hang, so it is only for `close`; here the socket goes first.
        stallGuard.cut()
        stallGuard.forget()
        amqp_destroy_connection(state)
    }

    // MARK: Connecting

    /// The library looks the name up again, without a deadline: only a name that was just found comes there.
    private static func lookUp(_ endpoint: Endpoint, _ configuration: LinkConfiguration) throws(LinkError) {
        func fail(_ kind: LinkError.Kind, _ words: String) -> LinkError {
            LinkError(kind, endpoint: endpoint.description, attempted: "connecting", words: words)
        }
        let finding: NameLookup.Finding
        do throws(SystemCallError) {
            finding = try NameLookup.system.ask(endpoint.host, within: configuration.connectTimeout)
        } catch {
            throw fail(.unreachable, "\(error)")
        }
        switch finding {
        case .found: return
        case .failed(let why): throw fail(.unreachable, "hostname lookup failed: \(why)")
        case .late:
            let seconds = configuration.connectTimeout.components.seconds
            throw fail(.timeout, "its name is not found in \(seconds) s; do the name servers answer?")
        }
    }

    private static func connect(
        _ state: amqp_connection_state_t, _ endpoint: Endpoint, _ configuration: LinkConfiguration
    ) throws(LinkError) {
        func fail(_ code: Int32, _ attempted: String) -> LinkError {
            failure(code, endpoint, attempted)
        }
        var socket: OpaquePointer?
        if let tls = endpoint.tls {
            socket = amqp_ssl_socket_new(state)
            guard let socket else { throw fail(AMQP_STATUS_NO_MEMORY.rawValue, "preparing TLS") }
            amqp_ssl_socket_set_verify_peer(socket, 1)
            amqp_ssl_socket_set_verify_hostname(socket, 1)
            guard amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST) == 0 else {
                throw fail(AMQP_STATUS_SSL_ERROR.rawValue, "asking for TLS 1.2")
            }
            guard amqp_ssl_socket_set_cacert(socket, tls.caFile) == 0 else {
                throw fail(AMQP_STATUS_SSL_ERROR.rawValue, "reading the authorities in \(tls.caFile)")
            }
            if let certificate = tls.certificateFile {
                let key = tls.keyFile ?? certificate
                guard amqp_ssl_socket_set_key(socket, certificate, key) == 0 else {
                    throw fail(AMQP_STATUS_SSL_ERROR.rawValue, "reading the certificate \(certificate) and key \(key)")
                }
            }
        } else {
            socket = amqp_tcp_socket_new(state)
        }
        guard let socket else { throw fail(AMQP_STATUS_NO_MEMORY.rawValue, "connecting") }
        var timeout = timeval(configuration.requestTimeout)
        amqp_set_handshake_timeout(state, &timeout)
        amqp_set_rpc_timeout(state, &timeout)
        var patience = timeval(configuration.connectTimeout)
        let code = amqp_socket_open_noblock(socket, endpoint.host, Int32(endpoint.port), &patience)
        guard code == AMQP_STATUS_OK.rawValue else { throw fail(code, "connecting") }
    }

    /// What the kernel does for a connection whose other end has gone without a word.
    private static func protect(_ descriptor: Int32, _ configuration: LinkConfiguration) {
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, 4)
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        // Bytes that nobody acknowledges for two heartbeats end the connection, also while a send waits for room.
        var silence = UInt32(clamping: configuration.heartbeat.milliseconds * 2)
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &silence, 4)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    private static func authentication(
        _ endpoint: Endpoint, _ configuration: LinkConfiguration
    ) throws(LinkError) -> LinkConfiguration.Authentication {
        do {
            return try configuration.authentication()
        } catch {
            throw LinkError(
                .loginRefused, endpoint: endpoint.description, attempted: "reading the password", words: "\(error)")
        }
    }

    private static func logIn(
        _ state: amqp_connection_state_t, _ endpoint: Endpoint, _ configuration: LinkConfiguration,
        _ authentication: LinkConfiguration.Authentication
    ) throws(LinkError) {
        var capabilities = FieldTable()
        // Without these the broker does not tell of cancelled consumers, blocked connections or failed logins.
        for name in [
            "consumer_cancel_notify", "connection.blocked", "basic.nack", "publisher_confirms",
            "authentication_failure_close", "exchange_exchange_bindings",
        ] {
            capabilities.append(name, .boolean(true))
        }
        var properties = FieldTable()
        properties.append("capabilities", .table(capabilities))
        properties.append("connection_name", .text(configuration.connectionName))
        properties.append("product", .text("leave-albumd"))
        let arena = CArena()
        var table = arena.table(properties)
        let heartbeat = Int32(clamping: max(1, configuration.heartbeat.components.seconds))
        let reply: amqp_rpc_reply_t
        switch authentication {
        case .plain(let username, let password):
            reply = password.withUnsafeBytes { bytes in
                var text = bytes.map { CChar(bitPattern: $0) } + [0]
                defer {
                    text.withUnsafeMutableBytes { if let start = $0.baseAddress { explicit_bzero(start, $0.count) } }
                }
                return CRabbitMQ_login_plain(
                    state, endpoint.virtualHost, frameMax, heartbeat, &table, username, text)
            }
        case .external:
            // The broker goes by the certificate alone; but of an empty identity the library makes "out of memory".
            reply = CRabbitMQ_login_external(
                state, endpoint.virtualHost, frameMax, heartbeat, &table, "certificate")
        }
        guard reply.reply_type != AMQP_RESPONSE_NORMAL else { return }
        var error = failure(reply, state, endpoint, "logging in")
        // 403 is refused credentials, 530 an unknown virtual host; older brokers just drop the socket.
        if case .connectionClosed(403) = error.kind { error.kind = .loginRefused }
        if case .connectionClosed(530) = error.kind { error.kind = .loginRefused }
        throw error
    }

    // MARK: Faults

    static func failure(_ code: Int32, _ endpoint: Endpoint, _ attempted: String) -> LinkError {
        let kind: LinkError.Kind
        switch code {
        case AMQP_STATUS_TIMEOUT.rawValue: kind = .timeout
        case AMQP_STATUS_HEARTBEAT_TIMEOUT.rawValue: kind = .heartbeatMissed
        case AMQP_STATUS_BAD_AMQP_DATA.rawValue, AMQP_STATUS_UNKNOWN_CLASS.rawValue,
            AMQP_STATUS_UNKNOWN_METHOD.rawValue, AMQP_STATUS_WRONG_METHOD.rawValue,
            AMQP_STATUS_UNEXPECTED_STATE.rawValue, AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION.rawValue:
            kind = .protocolViolation
        case AMQP_STATUS_BROKER_UNSUPPORTED_SASL_METHOD.rawValue: kind = .loginRefused
        case AMQP_STATUS_SSL_ERROR.rawValue, AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED.rawValue,
            AMQP_STATUS_SSL_PEER_VERIFY_FAILED.rawValue, AMQP_STATUS_SSL_CONNECTION_FAILED.rawValue:
            kind = .tls
        default: kind = .unreachable
        }
        var words = String(cString: amqp_error_string2(code))
        let cause = errno
        if code == AMQP_STATUS_SOCKET_ERROR.rawValue, cause == EINPROGRESS {
            // librabbitmq has taken the socket's own error, so that errno tells of the call before.
            words = "no connection; is the broker listening there, and does no firewall refuse it?"
        } else if kind == .unreachable, cause != 0 {
            words += ": " + String(cString: strerror(cause))
        }
        return LinkError(kind, endpoint: endpoint.description, attempted: attempted, words: words)
    }

    private static func failure(
        _ reply: amqp_rpc_reply_t, _ state: amqp_connection_state_t, _ endpoint: Endpoint, _ attempted: String
    ) -> LinkError {
        switch reply.reply_type {
        case AMQP_RESPONSE_SERVER_EXCEPTION:
            switch reply.reply.id {
            case AMQP_CONNECTION_CLOSE_METHOD:
                let (code, text) = closing(reply.reply.decoded, as: amqp_connection_close_t.self)
                return LinkError(
                    .connectionClosed(code), endpoint: endpoint.description, attempted: attempted, words: text)
            case AMQP_CHANNEL_CLOSE_METHOD:
                let (code, text) = closing(reply.reply.decoded, as: amqp_channel_close_t.self)
                return LinkError(
                    .channelClosed(code), endpoint: endpoint.description, attempted: attempted, words: text)
            default:
                return LinkError(
                    .protocolViolation, endpoint: endpoint.description, attempted: attempted,
                    words: "an answer to something else (method \(reply.reply.id))")
            }
        case AMQP_RESPONSE_LIBRARY_EXCEPTION:
            return failure(reply.library_error, endpoint, attempted)
        default:
            return failure(AMQP_STATUS_SOCKET_CLOSED.rawValue, endpoint, attempted)
        }
    }

    private static func closing<Method>(_ decoded: UnsafeMutableRawPointer?, as: Method.Type) -> (Int, String) {
        switch decoded?.assumingMemoryBound(to: Method.self).pointee {
        case let close as amqp_connection_close_t: (Int(close.reply_code), CBytes.string(close.reply_text))
        case let close as amqp_channel_close_t: (Int(close.reply_code), CBytes.string(close.reply_text))
        default: (0, "no reason given")
        }
    }

    // MARK: Calls into the library

    /// Each call is under the guard, and its code is read here: the library has one slot for errors.
    private mutating func call(_ attempted: String, _ body: (amqp_connection_state_t) -> Int32) throws(LinkError) {
        stallGuard.entered()
        errno = 0
        let code = body(state)
        stallGuard.left()
        guard code >= 0 else {
            isHealthy = false
            throw Self.failure(code, endpoint, attempted)
        }
    }

    /// A request and its answer. A closed channel leaves the connection usable; everything else ends it.
    mutating func request<Answer>(
        _ attempted: String, _ body: (amqp_connection_state_t, CArena) -> Answer?
    ) throws(LinkError) -> Answer {
        stallGuard.entered()
        errno = 0
        let arena = CArena()
        let answer = body(state, arena)
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
        try call("answering a closed channel") { state in
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
                .connectionClosed(code), endpoint: endpoint.description, attempted: "closing a channel", words: text)
        }
    }

    /// Says goodbye, if the connection is in order; a request that can hang, so never on a doubtful one.
    consuming func close() {
        guard isHealthy else { return }
        stallGuard.entered()
        _ = amqp_connection_close(state, AMQP_REPLY_SUCCESS)
        stallGuard.left()
    }

    mutating func send(_ attempted: String, _ body: (amqp_connection_state_t, CArena) -> Int32) throws(LinkError) {
        let arena = CArena()
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

extension timeval {
    init(_ duration: Duration) {
        let nanoseconds = max(1_000, duration.nanoseconds)
        self.init(tv_sec: Int(nanoseconds / 1_000_000_000), tv_usec: Int(nanoseconds % 1_000_000_000 / 1_000))
    }
}
