import AMQP
import JSON

/// A result as a consumer reads it.
struct ReadResult: Sendable {
    var messageID: String
    var body: [UInt8]
    var json: JSONValue
    var isReplayed: Bool

    init(_ message: IncomingMessage) throws {
        guard case .complete(let bytes) = message.body else { throw NeverHappened(description: "a result is small") }
        messageID = message.properties.messageID ?? ""
        body = bytes
        json = try JSONValue.parse(bytes)
        isReplayed = message.properties.headers?["x-leave-album-replayed"] == .boolean(true)
    }

    var outcome: String { json["outcome"]?.text ?? "" }
    var reason: String? { json["reason"]?.text }
    var effect: String { json["effect"]?.text ?? "" }
    var jobID: String? { json["jobId"]?.text }
}
