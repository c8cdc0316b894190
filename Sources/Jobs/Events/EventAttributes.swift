public import Clocks
import JSON
import Secrets

/// The context attributes of an event as its message has them, before anybody has judged them; extensions are not among
/// them, but for those of the trace.
public struct EventAttributes: Sendable {
    /// Those that are read. The content type of the data is one of them in structured mode alone.
    public enum Name: String, CaseIterable, Sendable {
        case specversion, id, source, type, subject, time, datacontenttype, traceparent, tracestate

        /// A trace makes no job fail.
        var mayDiffer: Bool {
            switch self {
            case .traceparent, .tracestate: true
            case .specversion, .id, .source, .type, .subject, .time, .datacontenttype: false
            }
        }
    }

    public enum Value: Equatable, Sendable {
        /// Bytes that should be UTF-8.
        case text([UInt8])
        case integer(Int64)
        case boolean(Bool)
        case moment(Timestamp)
        /// What it is instead, for a message: `a table`.
        case other(String)
    }

    private struct Found: Sendable {
        let name: Name
        let value: Value
        var isClash = false
    }

    private var found: [Found] = []

    public init() {}

    /// Adds an attribute. What is there already must have the same value, under whatever prefix it stands.
    public mutating func add(_ name: Name, _ value: Value) {
        guard let place = found.firstIndex(where: { $0.name == name }) else {
            found.append(Found(name: name, value: value))
            return
        }
        if !name.mayDiffer, !Self.isSame(found[place].value, value, of: name) { found[place].isClash = true }
    }

    private static func isSame(_ one: Value, _ other: Value, of name: Name) -> Bool {
        guard one != other else { return true }
        if name == .time, let first = try? time(one), let second = try? time(other) {
            return first.moment == second.moment
        }
        return (try? text(one)) == (try? text(other))
    }

    /// Why an attribute is not what it should be.
    struct Fault: Error {
        let name: Name
        let fault: String
    }

    private struct ValueFault: Error {
        let fault: String
    }

    // MARK: Reading

    /// Nil if it is not there. What is empty counts as absent where it may be left out.
    func text(_ name: Name) throws(Fault) -> [UInt8]? {
        guard let entry = found.first(where: { $0.name == name }) else { return nil }
        guard !entry.isClash else { throw Fault(name: name, fault: "it is there twice, with different values") }
        do throws(ValueFault) {
            return try Self.text(entry.value)
        } catch {
            throw Fault(name: name, fault: error.fault)
        }
    }

    func required(_ name: Name) throws(Fault) -> [UInt8] {
        guard let text = try text(name) else { throw Fault(name: name, fault: "it is missing") }
        guard !text.isEmpty else { throw Fault(name: name, fault: "it is empty") }
        return text
    }

    /// As it was written, or the moment that it is.
    func time() throws(Fault) -> String? {
        guard let entry = found.first(where: { $0.name == .time }) else { return nil }
        guard !entry.isClash else { throw Fault(name: .time, fault: "it is there twice, with different values") }
        do throws(ValueFault) {
            return try Self.time(entry.value).text
        } catch {
            throw Fault(name: .time, fault: error.fault)
        }
    }

    /// A header of the trace, if it can be one.
    func trace(_ name: Name) -> String? {
        (try? text(name)).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func text(_ value: Value) throws(ValueFault) -> [UInt8] {
        switch value {
        case .text(let bytes):
            guard !bytes.allSatisfy(DetailText.isPlain) else { return bytes }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw ValueFault(fault: "it is not valid UTF-8")
            }
            guard !text.unicodeScalars.contains(where: isForbidden) else {
                throw ValueFault(fault: "it holds a control character")
            }
            return bytes
        case .integer(let number): return Array("\(number)".utf8)
        case .boolean(let flag): return Array("\(flag)".utf8)
        case .moment: throw ValueFault(fault: "it is a time where text belongs")
        case .other(let kind): throw ValueFault(fault: "it is \(kind) where text belongs")
        }
    }

    /// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#type-system
    private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1F, 0x7F...0x9F: true
        default: false
        }
    }

    /// Numbers are milliseconds since 1970, as the binding to AMQP 1.0 encodes a time that its library has no type for.
    private static func time(_ value: Value) throws(ValueFault) -> (text: String, moment: Timestamp) {
        switch value {
        case .integer(let number): return try written(Timestamp(milliseconds: number))
        case .moment(let moment): return try written(moment)
        case .text, .boolean, .other:
            let bytes = try text(value)
            guard let moment = Timestamp(rfc3339: bytes) else {
                throw ValueFault(fault: "it is not a time of RFC 3339, like 2026-11-23T19:50:00Z")
            }
            return (String(decoding: bytes, as: UTF8.self), moment)
        }
    }

    /// Up to the end of the year 9999: what can be written.
    private static let writable: ClosedRange<Int64> = 0...253_402_300_799_999

    private static func written(_ moment: Timestamp) throws(ValueFault) -> (text: String, moment: Timestamp) {
        guard writable.contains(moment.milliseconds) else {
            throw ValueFault(fault: "it is a time outside of the years 1970 to 9999")
        }
        return (moment.rfc3339, moment)
    }
}

// MARK: What they come to

extension EventAttributes {
    /// The only version that is read.
    private static let version = Array("1.0".utf8)

    /// What every event must have, and the type.
    func required() throws(Fault) -> (id: [UInt8], source: [UInt8], type: [UInt8]) {
        guard try required(.specversion) == Self.version else {
            throw Fault(name: .specversion, fault: "only 1.0 is supported")
        }
        return (try required(.id), try required(.source), try required(.type))
    }

    /// All of it.
    func context() throws(Fault) -> EventContext {
        let (id, source, type) = try required()
        let subject = try text(.subject)
        let context = EventContext(
            id: id, source: source, type: type, subject: subject?.isEmpty == true ? nil : subject, time: try time())
        guard context.size <= EventContext.largest else {
            throw Fault(
                name: .source,
                fault: "with id, subject and time it has \(context.size) bytes; \(EventContext.largest) are allowed")
        }
        return context
    }

    /// What can be read of it, for the result of an event that is refused: nil without the two that name it.
    var echo: EventContext? {
        guard let id = try? required(.id), let source = try? required(.source) else { return nil }
        let subject = (try? text(.subject)).flatMap { $0.isEmpty ? nil : $0 }
        let echo = EventContext(id: id, source: source, type: nil, subject: subject, time: try? time())
        return echo.size <= EventContext.largest ? echo : nil
    }

    /// The event's id, where it may be a job's.
    public var jobID: JobID? { (try? required(.id)).flatMap(JobID.init(checking:)) }
}
