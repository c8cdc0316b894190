import AMQP
import Jobs
import Operations
import Settings
import Terminal

/// `cancel`.
struct CancelCommand: Sendable {
    let settings: Settings
    let arguments: ParsedArguments

    init(_ settings: Settings, _ arguments: ParsedArguments) {
        self.settings = settings
        self.arguments = arguments
    }

    func run() async throws -> ExitStatus {
        let ids = try arguments.positionals.map { text throws(CommandFailure) in
            guard let id = JobID(checking: Array(text.utf8)) else {
                throw CommandFailure(
                    .badInput, "\(DisplayText.printable(text)) is no jobId: 1 to 128 of A-Z a-z 0-9 . _ : / -")
            }
            return id
        }
        try await BrokerProbe.connect(settings)
        let outbox = try PublishingLink(try settings.link("cancel", asOperator: true)) { _ in }
        for id in ids where !StandardStream.hasLostOutput {
            var properties = Properties()
            properties.contentType = "application/json"
            let body = JSONValue.object([.init("version", .integer(1)), .init("jobId", .string(id.utf8))]).encoded()
            let outcome = await outbox.publish(
                Publication(
                    exchange: "\(settings.broker.prefix).jobs", routingKey: "cancel", properties: properties, body: body
                ))
            guard outcome == .confirmed else {
                throw CommandFailure(.serviceUnavailable, "the broker did not take the cancel of job \(id): \(outcome)")
            }
            if arguments.isSet("--json") {
                StandardStream.output.write("{\"jobId\":\"\(id)\"}\n")
            } else {
                StandardStream.output.write("\(id): it ends without a call, unless one has begun\n")
            }
        }
        return .done
    }
}
