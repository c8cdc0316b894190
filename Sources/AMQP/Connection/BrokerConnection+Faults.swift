import CRabbitMQ
import Glibc

/// The library's codes and the broker's replies as errors, on the line where they arrive.
extension BrokerConnection {
    /// A fault that shows in what the broker sent.
    func fault(_ kind: LinkError.Kind, _ attempted: String, _ message: String) -> LinkError {
        LinkError(kind, endpoint: endpoint.description, attempted: attempted, message: message)
    }

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
        var message = String(cString: amqp_error_string2(code))
        let cause = errno
        if code == AMQP_STATUS_SOCKET_ERROR.rawValue, cause == EINPROGRESS {
            // librabbitmq has taken the socket's own error, so that errno tells of the call before.
            message = "no connection; is the broker listening there, and does no firewall refuse it?"
        } else if kind == .unreachable, cause != 0 {
            message += ": " + String(cString: strerror(cause))
        }
        return LinkError(kind, endpoint: endpoint.description, attempted: attempted, message: message)
    }

    static func failure(
        _ reply: amqp_rpc_reply_t, _ state: amqp_connection_state_t, _ endpoint: Endpoint, _ attempted: String
    ) -> LinkError {
        switch reply.reply_type {
        case AMQP_RESPONSE_SERVER_EXCEPTION:
            switch reply.reply.id {
            case AMQP_CONNECTION_CLOSE_METHOD:
                let (code, text) = closing(reply.reply.decoded, as: amqp_connection_close_t.self)
                return LinkError(
                    .connectionClosed(code), endpoint: endpoint.description, attempted: attempted, message: text)
            case AMQP_CHANNEL_CLOSE_METHOD:
                let (code, text) = closing(reply.reply.decoded, as: amqp_channel_close_t.self)
                return LinkError(
                    .channelClosed(code), endpoint: endpoint.description, attempted: attempted, message: text)
            default:
                return LinkError(
                    .protocolViolation, endpoint: endpoint.description, attempted: attempted,
                    message: "an answer to something else (method \(reply.reply.id))")
            }
        case AMQP_RESPONSE_LIBRARY_EXCEPTION:
            return failure(reply.library_error, endpoint, attempted)
        default:
            return failure(AMQP_STATUS_SOCKET_CLOSED.rawValue, endpoint, attempted)
        }
    }

    static func closing<Method>(_ decoded: UnsafeMutableRawPointer?, as: Method.Type) -> (Int, String) {
        switch decoded?.assumingMemoryBound(to: Method.self).pointee {
        case let close as amqp_connection_close_t: (Int(close.reply_code), CBytes.string(close.reply_text))
        case let close as amqp_channel_close_t: (Int(close.reply_code), CBytes.string(close.reply_text))
        default: (0, "no reason given")
        }
    }
}
