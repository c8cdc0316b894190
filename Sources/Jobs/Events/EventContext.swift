import JSON

/// What the CloudEvent says of itself that a job came as: it goes with the job's copies and into its ledger row, and the
/// result echoes it. A class, because it is passed on often and never changes.
///
/// An event's id is unique among those of its source alone, so that the source belongs to what the job is.
/// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#context-attributes
public final class EventContext: Equatable, Sendable {
    /// Valid UTF-8 without control characters, as the other texts.
    public let id: [UInt8]
    public let source: [UInt8]
    /// Not echoed. Nil only in the echo of a rejection that is about it.
    public let type: [UInt8]?
    public let subject: [UInt8]?
    /// RFC 3339, as it was written.
    public let time: String?

    /// Of id, source, subject and time together, in bytes: what a result echoes, and a copy carries beside its headers.
    static let largest = 2048

    public init(id: [UInt8], source: [UInt8], type: [UInt8]?, subject: [UInt8]? = nil, time: String? = nil) {
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.time = time
    }

    public static func == (one: EventContext, other: EventContext) -> Bool {
        one.id == other.id && one.source == other.source && one.type == other.type && one.subject == other.subject
            && one.time == other.time
    }

    /// Of what is echoed, in bytes.
    var size: Int { id.count + source.count + (subject?.count ?? 0) + (time?.utf8.count ?? 0) }

    // MARK: In a result

    /// The value of the member `event`, names sorted.
    func writeEcho(to text: inout JSONText) {
        text.begin(.object)
        text.member("id", id)
        text.member("source", source)
        text.member("subject", subject)
        text.member("time", time)
        text.end(.object)
    }

    /// Nil if it is no such value.
    init?(echo: JSONValue) {
        guard let id = echo["id"]?.utf8, let source = echo["source"]?.utf8 else { return nil }
        self.id = id
        self.source = source
        type = nil
        subject = echo["subject"]?.utf8
        time = echo["time"]?.text
    }

    // MARK: In a ledger

    /// As a ledger's row has it.
    public func encoded() -> [UInt8] {
        var text = JSONText(capacity: size + 80)
        text.begin(.object)
        text.member("id", id)
        text.member("source", source)
        text.member("subject", subject)
        text.member("time", time)
        text.member("type", type)
        text.end(.object)
        return text.bytes
    }

    /// Nil for what no program of this one's kind wrote.
    public convenience init?(decoding bytes: [UInt8]) {
        let members = JSONMembers(bytes, naming: ["id", "source", "subject", "time", "type"])
        guard members.isObject, let id = members["id"]?.utf8, let source = members["source"]?.utf8 else { return nil }
        self.init(
            id: id, source: source, type: members["type"]?.utf8, subject: members["subject"]?.utf8,
            time: members["time"]?.text)
    }
}
