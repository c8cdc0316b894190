import CRabbitMQ
import Clocks
import Concurrency
import Glibc
import Secrets

/// From a name to a login.
extension BrokerConnection {
    /// Whatever fails before the broker has said a word may have failed for want of a descriptor, which neither the
    /// library nor the resolver says.
    static func onThisSide<Value>(_ body: () throws(LinkError) -> Value) throws(LinkError) -> Value {
        do throws(LinkError) {
            return try body()
        } catch {
            throw error.explained(.now())
        }
    }

    /// The library looks the name up again, without a deadline: only a name that was just found comes there.
    static func lookUp(_ endpoint: Endpoint, _ configuration: LinkConfiguration) throws(LinkError) {
        func fail(_ kind: LinkError.Kind, _ message: String) -> LinkError {
            LinkError(kind, endpoint: endpoint.description, attempted: "connecting", message: message)
        }
        let outcome: NameLookup.Outcome
        do throws(SystemCallError) {
            outcome = try NameLookup.system.resolve(endpoint.host, within: configuration.connectTimeout)
        } catch {
            throw fail(.unreachable, "\(error)")
        }
        switch outcome {
        case .found: return
        case .failed(let why): throw fail(.unreachable, "hostname lookup failed: \(why)")
        case .late:
            let seconds = configuration.connectTimeout.components.seconds
            throw fail(.timeout, "its name is not found in \(seconds) s; do the name servers answer?")
        }
    }

    static func connect(
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
        var limit = timeval(configuration.connectTimeout)
        let code = amqp_socket_open_noblock(socket, endpoint.host, Int32(endpoint.port), &limit)
        guard code == AMQP_STATUS_OK.rawValue else { throw fail(code, "connecting") }
    }

    /// What the kernel does for a connection whose other end has gone without a word.
    static func protect(_ descriptor: Int32, _ configuration: LinkConfiguration) {
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, 4)
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        // Bytes that nobody acknowledges for two heartbeats end the connection, also while a send waits for space.
        var silence = UInt32(clamping: configuration.heartbeat.milliseconds * 2)
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &silence, 4)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    static func authentication(
        _ endpoint: Endpoint, _ configuration: LinkConfiguration
    ) throws(LinkError) -> LinkConfiguration.Authentication {
        do {
            return try configuration.authentication()
        } catch {
            throw LinkError(
                .loginRefused, endpoint: endpoint.description, attempted: "reading the password", message: "\(error)")
        }
    }

    static func logIn(
        _ state: amqp_connection_state_t, _ endpoint: Endpoint, _ configuration: LinkConfiguration,
        _ authentication: LinkConfiguration.Authentication
    ) throws(LinkError) {
        var capabilities = FieldTable()
        // https://www.rabbitmq.com/docs/connection-blocked, https://www.rabbitmq.com/docs/consumer-cancel
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
}

extension timeval {
    init(_ duration: Duration) {
        let nanoseconds = max(1_000, duration.nanoseconds)
        self.init(tv_sec: Int(nanoseconds / 1_000_000_000), tv_usec: Int(nanoseconds % 1_000_000_000 / 1_000))
    }
}
