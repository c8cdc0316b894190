package import AMQP
import Clocks
package import Jobs

/// The context attributes of an event in binary mode, as headers.
package enum EventHeaders {
    /// Those of the binding to RabbitMQ, and the two of that to AMQP 1.0, whose application properties are headers here.
    /// https://github.com/knative-extensions/eventing-rabbitmq/blob/main/cloudevents-protocol-spec/spec.md
    /// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md#3131-amqp-application-property-names
    private static let prefixes: [[UInt8]] = ["ce-", "cloudEvents:", "cloudEvents_"].map { Array($0.utf8) }
    private static let specversion = Array(EventAttributes.Name.specversion.rawValue.utf8)

    /// Nil for a message that is none: there is no `specversion` under any of the prefixes. All that have one are read,
    /// whatever the others are under; other attributes than those of `EventAttributes` are not looked at.
    package static func attributes(in headers: FieldTable?) -> EventAttributes? {
        guard let fields = headers?.fields, fields.contains(where: { attribute($0.name) == specversion[...] }) else {
            return nil
        }
        var attributes = EventAttributes()
        for field in fields {
            guard let name = attribute(field.name),
                let known = EventAttributes.Name(rawValue: String(decoding: name, as: UTF8.self)),
                // In binary mode it is the property content-type.
                known != .datacontenttype, let value = value(field.value)
            else { continue }
            attributes.add(known, value)
        }
        return attributes
    }

    /// The name behind the prefix.
    private static func attribute(_ name: [UInt8]) -> ArraySlice<UInt8>? {
        // As nearly all headers: no prefix begins otherwise.
        guard name.first == UInt8(ascii: "c") else { return nil }
        return prefixes.first { name.starts(with: $0) }.map { name.dropFirst($0.count) }
    }

    /// Nil: nothing is there.
    private static func value(_ value: FieldValue) -> EventAttributes.Value? {
        switch value {
        case .string(let bytes), .bytes(let bytes): .text(bytes)
        case .integer(let number): .integer(number)
        case .boolean(let flag): .boolean(flag)
        case .timestamp(let seconds): .moment(moment(seconds))
        case .double, .decimal: .other("a number with a fraction")
        case .array: .other("an array")
        case .table: .other("a table")
        case .void: nil
        }
    }

    /// What no time can be is the last one that can be told, and refused as such.
    private static func moment(_ seconds: UInt64) -> Timestamp {
        let (milliseconds, isTooLarge) = seconds.multipliedReportingOverflow(by: 1000)
        return Timestamp(milliseconds: isTooLarge ? .max : Int64(clamping: milliseconds))
    }
}

// MARK: Own headers

extension JobHeaders {
    /// What an accepted event said of itself: nil unless all is there that names an event.
    static func event(reading headers: FieldTable) -> EventContext? {
        func text(_ name: String) -> [UInt8]? {
            guard case .string(let bytes)? = headers[name] else { return nil }
            return bytes
        }
        guard let id = text(Name.eventID), let source = text(Name.eventSource) else { return nil }
        return EventContext(
            id: id, source: source, type: text(Name.eventType), subject: text(Name.eventSubject),
            time: text(Name.eventTime).map { String(decoding: $0, as: UTF8.self) })
    }

    static func write(_ event: EventContext, to headers: inout FieldTable) {
        headers.append(Name.eventID, .string(event.id))
        headers.append(Name.eventSource, .string(event.source))
        if let type = event.type { headers.append(Name.eventType, .string(type)) }
        if let subject = event.subject { headers.append(Name.eventSubject, .string(subject)) }
        if let time = event.time { headers.append(Name.eventTime, .text(time)) }
    }
}
