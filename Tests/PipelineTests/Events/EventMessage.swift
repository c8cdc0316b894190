import AMQP
import JSON
import Messages
import PipelineHarness

@testable import Pipeline

/// Events as publishers make them, and what is looked at of what comes of them.
enum EventMessage {
    enum Mode: CaseIterable, Sendable {
        case structured, binary
    }

    static let type = "com.example.leave"
    static let echo = #"{"id":"e-1","source":"/idm","subject":"users/7","time":"2026-11-23T19:50:00Z"}"#

    static func options(_ types: [String] = [type]) -> Harness.Options {
        var options = Harness.Options()
        options.eventTypes = types
        return options
    }

    /// The message that a publisher makes of the event.
    static func message(
        _ mode: Mode, id: String = "e-1", source: String = "/idm", type: String = type, account: String = "ann",
        token: String = "t", messageID: String? = "made up", more: [(String, FieldValue)] = []
    ) -> (body: [UInt8], properties: Properties) {
        let data = #"{"account":"\#(account)","shareToken":"\#(token)"}"#
        let attributes = [
            ("specversion", "1.0"), ("id", id), ("source", source), ("type", type), ("subject", "users/7"),
            ("time", "2026-11-23T19:50:00Z"),
        ]
        var properties = Properties()
        properties.messageID = messageID
        var headers = FieldTable()
        for (name, value) in more { headers.append(name, value) }
        switch mode {
        case .structured:
            properties.contentType = "application/cloudevents+json"
            properties.headers = headers
            let members = attributes.map { #""\#($0.0)":"\#($0.1)""# }.joined(separator: ",")
            return (Array(#"{\#(members),"data":\#(data)}"#.utf8), properties)
        case .binary:
            properties.contentType = "application/json"
            for (name, value) in attributes { headers.append("ce-\(name)", .text(value)) }
            properties.headers = headers
            return (Array(data.utf8), properties)
        }
    }

    static func put(
        _ message: (body: [UInt8], properties: Properties), into lane: String = "jobs", _ harness: Harness
    ) {
        harness.broker.put(message.body, into: lane, properties: message.properties)
    }

    static func events(_ results: [Harness.Read]) -> [String] {
        results.map { $0.json["event"].map { String(decoding: $0.encoded(), as: UTF8.self) } ?? "-" }
    }

    static func own(_ message: MiniBroker.Stored) -> JobHeaders {
        JobHeaders(reading: message.properties.headers)
    }
}
