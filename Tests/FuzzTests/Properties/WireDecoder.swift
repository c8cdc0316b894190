import CRabbitMQ

@testable import AMQP

/// librabbitmq's decoder without a socket: the bytes of a frame become what the links see.
final class WireDecoder {
    private let connection: amqp_connection_state_t
    private var isBroken = false

    init() {
        connection = amqp_new_connection()
    }

    deinit { amqp_destroy_connection(connection) }

    /// Nil once the library has refused a frame: after that only its end may follow.
    func frame(type: UInt8, payload: [UInt8], channel: amqp_channel_t) -> Frame? {
        guard !isBroken else { return nil }
        let size = UInt32(payload.count)
        let bytes =
            [type, UInt8(channel >> 8), UInt8(channel & 0xFF)] + (0..<4).map { UInt8(size >> (24 - 8 * $0) & 0xFF) }
            + payload + [0xCE]
        return bytes.withUnsafeBytes { buffer in
            let start = UnsafeMutableRawPointer(mutating: buffer.baseAddress)
            var taken = 0
            while taken < buffer.count {
                var frame = amqp_frame_t()
                let piece = amqp_bytes_t(len: buffer.count - taken, bytes: start?.advanced(by: taken))
                let count = amqp_handle_input(connection, piece, &frame)
                guard count > 0 else {
                    isBroken = true
                    return nil
                }
                taken += Int(count)
                if frame.frame_type != 0 {
                    let read = FrameReading.frame(frame, channel: channel)
                    amqp_maybe_release_buffers(connection)
                    return read
                }
            }
            return .other
        }
    }
}
