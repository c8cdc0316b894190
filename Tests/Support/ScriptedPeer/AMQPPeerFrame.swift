/// A frame of AMQP 0-9-1 as bytes.
package struct AMQPPeerFrame: Sendable {
    package static let method: UInt8 = 1
    package static let header: UInt8 = 2
    package static let body: UInt8 = 3
    package static let heartbeat: UInt8 = 8
    static let end: UInt8 = 0xce

    package var type: UInt8
    package var channel: UInt16
    package var payload: [UInt8]

    package init(type: UInt8, channel: UInt16, payload: [UInt8]) {
        self.type = type
        self.channel = channel
        self.payload = payload
    }

    /// `basic.ack` is `.init(60, 80)`. Nil for a frame that is no method.
    package var call: AMQPCall? {
        guard type == Self.method, payload.count >= 4 else { return nil }
        return AMQPCall(
            UInt16(payload[0]) << 8 | UInt16(payload[1]), UInt16(payload[2]) << 8 | UInt16(payload[3]))
    }

    package var bytes: [UInt8] {
        [type] + AMQPBytes.short(channel) + AMQPBytes.long(UInt32(payload.count)) + payload + [Self.end]
    }
}

/// A method's class and number.
package struct AMQPCall: Hashable, Sendable {
    package let group: UInt16
    package let number: UInt16

    package init(_ group: UInt16, _ number: UInt16) {
        self.group = group
        self.number = number
    }

    package static let startOK = Self(10, 11)
    package static let tuneOK = Self(10, 31)
    package static let connectionOpen = Self(10, 40)
    package static let connectionClose = Self(10, 50)
    package static let connectionCloseOK = Self(10, 51)
    package static let channelOpen = Self(20, 10)
    package static let channelClose = Self(20, 40)
    package static let channelCloseOK = Self(20, 41)
    package static let queueDeclare = Self(50, 10)
    package static let qos = Self(60, 10)
    package static let consume = Self(60, 20)
    package static let cancel = Self(60, 30)
    package static let publish = Self(60, 40)
    package static let returned = Self(60, 50)
    package static let deliver = Self(60, 60)
    package static let ack = Self(60, 80)
    package static let nack = Self(60, 120)
    package static let confirmSelect = Self(85, 10)
}

/// Arguments as AMQP writes them.
package enum AMQPBytes {
    package static func short(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 255)] }

    package static func long(_ number: UInt32) -> [UInt8] {
        short(UInt16(number >> 16)) + short(UInt16(number & 0xffff))
    }

    package static func longlong(_ number: UInt64) -> [UInt8] {
        long(UInt32(number >> 32)) + long(UInt32(number & 0xffff_ffff))
    }

    package static func shortText(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }
    package static func longText(_ text: String) -> [UInt8] { longBytes(Array(text.utf8)) }
    package static func longBytes(_ bytes: [UInt8]) -> [UInt8] { long(UInt32(bytes.count)) + bytes }

    package static func readLonglong(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The text after its length of one byte.
    package static func readShortText(_ bytes: ArraySlice<UInt8>) -> String {
        guard let length = bytes.first else { return "" }
        return String(decoding: bytes.dropFirst().prefix(Int(length)), as: UTF8.self)
    }
}
