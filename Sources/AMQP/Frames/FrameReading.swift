import CRabbitMQ

/// librabbitmq's frames become ours on the line where they arrive.
enum FrameReading {
    static func frame(_ frame: amqp_frame_t, channel: amqp_channel_t) -> Frame {
        switch Int32(frame.frame_type) {
        case AMQP_FRAME_HEARTBEAT: .heartbeat
        case AMQP_FRAME_METHOD: method(frame.payload.method, channel: frame.channel, ours: channel)
        case AMQP_FRAME_HEADER where frame.channel == channel: header(frame)
        case AMQP_FRAME_BODY where frame.channel == channel: .body(CBytes.array(frame.payload.body_fragment))
        default: .other
        }
    }

    private static func header(_ frame: amqp_frame_t) -> Frame {
        guard let decoded = frame.payload.properties.decoded else { return .other }
        let properties = decoded.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
        return .header(bodySize: frame.payload.properties.body_size, CBytes.properties(properties))
    }

    private static func method(_ method: amqp_method_t, channel: amqp_channel_t, ours: amqp_channel_t) -> Frame {
        guard let decoded = method.decoded, channel == 0 || channel == ours else { return .other }
        switch method.id {
        case AMQP_BASIC_DELIVER_METHOD:
            let deliver = decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee
            return .deliver(
                Frame.Deliver(
                    consumerTag: CBytes.string(deliver.consumer_tag), deliveryTag: deliver.delivery_tag,
                    isRedelivered: deliver.redelivered != 0, exchange: CBytes.string(deliver.exchange),
                    routingKey: CBytes.string(deliver.routing_key)))
        case AMQP_BASIC_RETURN_METHOD:
            let back = decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee
            return .returned(
                code: Int(back.reply_code), text: CBytes.string(back.reply_text),
                exchange: CBytes.string(back.exchange), routingKey: CBytes.string(back.routing_key))
        case AMQP_BASIC_ACK_METHOD:
            let ack = decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
            return .confirm(tag: ack.delivery_tag, multiple: ack.multiple != 0)
        case AMQP_BASIC_NACK_METHOD:
            let nack = decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
            return .refuse(tag: nack.delivery_tag, multiple: nack.multiple != 0)
        case AMQP_BASIC_CANCEL_METHOD:
            let cancel = decoded.assumingMemoryBound(to: amqp_basic_cancel_t.self).pointee
            return .consumerCancelled(tag: CBytes.string(cancel.consumer_tag))
        case AMQP_BASIC_CANCEL_OK_METHOD:
            return .cancelConfirmed
        case AMQP_CHANNEL_CLOSE_METHOD:
            let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            return .channelClosed(code: Int(close.reply_code), text: CBytes.string(close.reply_text))
        case AMQP_CONNECTION_CLOSE_METHOD:
            let close = decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            return .connectionClosed(code: Int(close.reply_code), text: CBytes.string(close.reply_text))
        case AMQP_CONNECTION_BLOCKED_METHOD:
            let blocked = decoded.assumingMemoryBound(to: amqp_connection_blocked_t.self).pointee
            return .blocked(CBytes.string(blocked.reason))
        case AMQP_CONNECTION_UNBLOCKED_METHOD:
            return .unblocked
        default:
            return .other
        }
    }
}
