import AMQP
import Clocks
import Jobs
import Messages
import Secrets

/// A message of any properties and headers. Names are mostly those that the program looks for.
enum FuzzedMessage {
    private static let names: [String] = [
        JobHeaders.Name.copy, JobHeaders.Name.attempt, JobHeaders.Name.ambiguous, JobHeaders.Name.generation,
        JobHeaders.Name.notBefore,
        JobHeaders.Name.suspect, JobHeaders.Name.refusals, JobHeaders.Name.queryAlbum, JobHeaders.Name.lane,
        JobHeaders.Name.firstSeen, JobHeaders.Name.reason,
        JobHeaders.Name.detail, JobHeaders.Name.attempts, JobHeaders.Name.httpStatus, JobHeaders.Name.apiStatus,
        JobHeaders.Name.deadAt,
        JobHeaders.Name.browsed, "x-death", "x-delivery-count", "x-acquired-count", "CC", "BCC", "x-first-death-queue",
        "x-last-death-reason", "reason", "traceparent", "tracestate",
    ]
    /// librabbitmq reads tables this deep and ours cuts at 16.
    private static let deepest = 6

    static func make(_ input: inout FuzzInput, queue: String) -> IncomingMessage {
        var properties = Properties()
        let which = input.byte()
        if which & 1 != 0 { properties.messageID = input.text(atMost: 40) }
        if which & 2 != 0 { properties.correlationID = input.text(atMost: 40) }
        if which & 4 != 0 { properties.contentType = input.flag() ? "application/json" : input.text(atMost: 40) }
        if which & 8 != 0 { properties.userID = input.text(atMost: 8) }
        if which & 16 != 0 { properties.expiration = input.text(atMost: 8) }
        if which & 32 != 0 { properties.timestamp = input.longLong() }
        if which & 64 != 0 { properties.priority = input.byte() }
        if which & 128 == 0 { properties.headers = table(&input, depth: 0) }
        let isWhole = input.byte() != 255
        let body = input.rest()
        return IncomingMessage(
            tag: DeliveryTag(generation: 1, number: 1), queue: queue, exchange: "", routingKey: "",
            isRedelivered: false, properties: properties,
            body: isWhole
                ? .complete(body) : .truncated(prefix: body, size: 1 << 40, sha256: SHA256Digest(of: body)),
            receivedAt: MonotonicTime(nanoseconds: 0))
    }

    private static func table(_ input: inout FuzzInput, depth: Int) -> FieldTable {
        var table = FieldTable()
        for _ in 0..<input.choice(of: 24) {
            let choice = input.choice(of: names.count + 4)
            let name = choice < names.count ? Array(names[choice].utf8) : input.run(atMost: 60)
            table.fields.append(FieldTable.Field(name: name, value: value(&input, depth: depth)))
        }
        return table
    }

    private static func value(_ input: inout FuzzInput, depth: Int) -> FieldValue {
        let kind = input.choice(of: 12)
        switch kind {
        case 0: return .boolean(input.flag())
        case 1: return .integer(Int64(input.byte()))
        case 2: return .integer(Int64(bitPattern: input.longLong()))
        case 3: return .string(input.run(atMost: 255))
        case 4: return .text(["due", "jobs", "expired", "rejected", "poison"][input.choice(of: 5)])
        case 5: return .bytes(input.run(atMost: 255))
        // Not every bit pattern: what is not a number equals nothing, itself included.
        case 6: return .double(Double(input.word()) / 8)
        case 7: return .decimal(scale: input.byte(), value: UInt32(input.word()))
        case 8: return .timestamp(input.longLong())
        // The largest header that a frame holds comes cheap.
        case 9: return .string([UInt8](repeating: 0x61, count: Int(input.byte()) * 64))
        case 10 where depth < deepest:
            return .array((0..<input.choice(of: 4)).map { _ in value(&input, depth: depth + 1) })
        case 11 where depth < deepest: return .table(table(&input, depth: depth + 1))
        default: return .void
        }
    }
}
