package import AMQP
import Clocks
import JSON
import Jobs

/// How results go out as CloudEvents: in binary mode, so that their bodies stay as they are.
package struct ResultEvents: Equatable, Sendable {
    /// Under whose prefix the attributes are headers. All values are texts: both bindings read those.
    package enum Binding: String, CaseIterable, Sendable {
        case rabbitmq
        case amqp

        var prefix: String {
            switch self {
            case .rabbitmq: "ce-"
            case .amqp: "cloudEvents:"
            }
        }
    }

    package var binding: Binding
    package var source: String
    package var type: String

    package init(_ binding: Binding, source: String, type: String) {
        self.binding = binding
        self.source = source
        self.type = type
    }

    /// The result's context attributes, names and values. They are the same at each replay, as the body is.
    package func attributes(
        messageID: String, subject: [UInt8]?, time: [UInt8]?
    ) -> [(name: String, value: [UInt8])] {
        var attributes = [
            ("specversion", Array("1.0".utf8)), ("id", Array(messageID.utf8)), ("source", Array(source.utf8)),
            ("type", Array(type.utf8)),
        ]
        if let subject { attributes.append(("subject", subject)) }
        if let time { attributes.append(("time", time)) }
        return attributes
    }

    func write(_ result: ResultMessage, to headers: inout FieldTable) {
        // What was rejected has no time of its own.
        let time = result.outcome == .rejected ? nil : Array(result.completedAt.rfc3339.utf8)
        write(attributes(messageID: result.messageID, subject: result.subject, time: time), to: &headers)
    }

    /// Progress goes by the same binding, from the same source.
    func write(_ progress: JobProgress, to headers: inout FieldTable) {
        var events = self
        events.type = JobProgress.type
        write(
            events.attributes(
                messageID: progress.messageID, subject: progress.jobID.utf8, time: Array(progress.at.rfc3339.utf8)),
            to: &headers)
    }

    private func write(_ attributes: [(name: String, value: [UInt8])], to headers: inout FieldTable) {
        for (name, value) in attributes { headers.append(binding.prefix + name, .string(value)) }
    }

    /// Those of a result that came as an event, by whichever binding; empty for one that is none.
    package static func attributes(of properties: Properties) -> [(name: String, value: [UInt8])] {
        for binding in Binding.allCases {
            let prefix = Array(binding.prefix.utf8)
            let attributes = (properties.headers?.fields ?? []).compactMap { field -> (name: String, value: [UInt8])? in
                guard field.name.starts(with: prefix), case .string(let value) = field.value else { return nil }
                return (String(decoding: field.name.dropFirst(prefix.count), as: UTF8.self), value)
            }
            if attributes.contains(where: { $0.name == "specversion" }) { return attributes }
        }
        return []
    }
}

extension ResultMessage {
    /// The id of its job, if it has one.
    fileprivate var subject: [UInt8]? {
        guard outcome != .rejected else { return JSONMembers(body, naming: ["jobId"])["jobId"]?.utf8 }
        // The generation behind it has no such mark.
        return messageID.utf8.lastIndex(of: UInt8(ascii: "#")).map { Array(messageID.utf8[..<$0]) }
    }
}
