/// A frame of AMQP 0-9-1 as bytes.
public struct AMQPPeerFrame: Sendable {
    public static let method: UInt8 = 1
    public static let header: UInt8 = 2
    public static let body: UInt8 = 3
    public static let heartbeat: UInt8 = 8
    static let end: UInt8 = 0xce

    public var type: UInt8
    public var channel: UInt16
    public var payload: [UInt8]

    public init(type: UInt8, channel: UInt16, payload: [UInt8]) {
        self.type = type
        self.channel = channel
        self.payload = payload
    }

    /// `basic.ack` is `.init(60, 80)`. Nil for a frame that is no method.
    public var call: AMQPCall? {
        guard type == Self.method, payload.count >= 4 else { return nil }
        return AMQPCall(
            UInt16(payload[0]) << 8 | UInt16(payload[1]), UInt16(payload[2]) << 8 | UInt16(payload[3]))
    }

    public var bytes: [UInt8] {
        [type] + AMQPBytes.short(channel) + AMQPBytes.long(UInt32(payload.count)) + payload + [Self.end]
    }
}

/// A method's class and number.
public struct AMQPCall: Hashable, Sendable {
    public let group: UInt16
    public let number: UInt16

    public init(_ group: UInt16, _ number: UInt16) {
        self.group = group
        self.number = number
    }

    public static let startOK = Self(10, 11)
    public static let tuneOK = Self(10, 31)
    public static let connectionOpen = Self(10, 40)
    public static let connectionClose = Self(10, 50)
    public static let connectionCloseOK = Self(10, 51)
    public static let channelOpen = Self(20, 10)
    public static let channelClose = Self(20, 40)
    public static let channelCloseOK = Self(20, 41)
    public static let queueDeclare = Self(50, 10)
    public static let qos = Self(60, 10)
    public static let consume = Self(60, 20)
    public static let cancel = Self(60, 30)
    public static let publish = Self(60, 40)
    public static let returned = Self(60, 50)
    public static let deliver = Self(60, 60)
    public static let ack = Self(60, 80)
    public static let nack = Self(60, 120)
    public static let confirmSelect = Self(85, 10)
}

/// Arguments as AMQP writes them.
public enum AMQPBytes {
    public static func short(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 255)] }

    public static func long(_ number: UInt32) -> [UInt8] {
        short(UInt16(number >> 16)) + short(UInt16(number & 0xffff))
    }

    public static func longlong(_ number: UInt64) -> [UInt8] {
        long(UInt32(number >> 32)) + long(UInt32(number & 0xffff_ffff))
    }

    public static func shortText(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }
    public static func longText(_ text: String) -> [UInt8] { longBytes(Array(text.utf8)) }
    public static func longBytes(_ bytes: [UInt8]) -> [UInt8] { long(UInt32(bytes.count)) + bytes }

    public static func readLonglong(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The text after its length of one byte.
    public static func readShortText(_ bytes: ArraySlice<UInt8>) -> String {
        guard let length = bytes.first else { return "" }
        return String(decoding: bytes.dropFirst().prefix(Int(length)), as: UTF8.self)
    }
}
