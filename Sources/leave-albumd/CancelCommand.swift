import AMQP
import Glibc
import JSON
import Jobs
import Messages
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
        return arguments.isSet("--force") ? try await endForGood(ids) : try await publish(ids)
    }

    /// By a message, as publishers do.
    private func publish(_ ids: [JobID]) async throws -> ExitStatus {
        try await BrokerProbe.connect(settings)
        let outbox = try PublishingLink(try settings.link("cancel", asOperator: true)) { _ in }
        for id in ids where !StandardStream.hasLostOutput {
            var properties = Properties()
            properties.contentType = "application/json"
            let body = JSONValue.object([.init("version", .integer(1)), .init("jobId", .string(id.utf8))]).encoded()
            let outcome = await outbox.publish(
                Publication(
                    exchange: settings.queueNames.jobsExchange, routingKey: RoutingKey.cancel, properties: properties,
                    body: body))
            guard outcome == .confirmed else {
                throw CommandFailure(.serviceUnavailable, "the broker did not take the cancel of job \(id): \(outcome)")
            }
            if arguments.isSet("--json") {
                StandardStream.output.write(json: .object([.init("jobId", .string(id.utf8))]))
            } else {
                StandardStream.output.write("\(id): it ends without a call, unless one has begun\n")
            }
        }
        return .done
    }

    // MARK: --force

    /// Never by a message: whoever may publish jobs may not end those of others that have called.
    private func endForGood(_ ids: [JobID]) async throws -> ExitStatus {
        let door = LedgerDoor(settings: settings)
        var status = ExitStatus.done
        for id in ids where !StandardStream.hasLostOutput {
            let answer = try await door.ask(
                "job.cancel", .object([.init("jobId", .string(id.utf8)), .init("by", .text("uid \(getuid())"))]))
            if answer["state"]?.text == "had_ended" { status = .answeredNo }
            if arguments.isSet("--json") {
                StandardStream.output.write(json: answer)
            } else {
                StandardStream.output.write("\(id): \(Self.words(answer))\n")
            }
        }
        return status
    }

    private static func words(_ answer: JSONValue) -> String {
        let ending = [answer["outcome"]?.text, answer["reason"]?.text].compactMap { $0 }.joined(separator: ", ")
        let effect = answer["effect"]?.text ?? "-"
        switch answer["state"]?.text {
        case "ended":
            let owed = answer["published"]?.bool == false ? "; the broker has not confirmed its result yet" : ""
            return "ended: \(ending), effect \(effect)\(owed)"
        case "had_ended": return "it had ended before: \(ending), effect \(effect)"
        default: return "no open job of this id is in the ledger; it ends without a call when it comes"
        }
    }
}
