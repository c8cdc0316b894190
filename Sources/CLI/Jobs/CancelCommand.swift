import AMQP
import Clocks
import Daemon
import Glibc
import JSON
import Jobs
import Messages
import Operations
import Settings
import Terminal

extension Commands {
    static let cancel = Command(
        "cancel", summary: "Lets jobs end without a call, also those that have not come yet",
        discussion: """
            A job that has called goes on, unless --force ends it: by the running daemon, whatever is on hold, \
            else in the ledger's file. A call in flight is awaited, and if its answer ends the job, that \
            stands; else the job fails as cancelled, its effect unknown if a call ever began, its result \
            published at once and its dead letter when its message comes. A job that the ledger does not know \
            ends when it comes. Exit 1 if a job had ended before.
            """,
        options: [.config, .json, .flag("--force", help: "also after a call has begun")],
        positionals: [PositionalSpecification("ID", .several, help: "a job's id")],
        action: .withSettings { try await CancelCommand(context: $0).run() })
}

/// `cancel`.
struct CancelCommand: ConfiguredCommand {
    let context: CommandContext

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
            if isJSON {
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
        var status = ExitStatus.done
        for id in ids where !StandardStream.hasLostOutput {
            let cancel = try await ledger.perform(JobCancelRequest(id, by: "uid \(getuid())"))
            switch cancel {
            case .hadEnded, .leased: status = .answeredNo
            case .ended, .remembered: break
            }
            show(cancel, "\(id): \(Self.message(cancel))\n")
        }
        return status
    }

    private static func message(_ cancel: ForcedCancel) -> String {
        switch cancel {
        case .ended(_, let ending, let isPublished):
            let unpublished = isPublished ? "" : "; the broker has not confirmed its result yet"
            return "ended: \(message(ending))\(unpublished)"
        case .hadEnded(_, let ending): return "it had ended before: \(message(ending))"
        case .remembered: return "no open job of this id is in the ledger; it ends without a call when it comes"
        case .leased(_, let until):
            return "a call for it may be on its way until \(until.rfc3339), and what that comes to goes first; "
                + "cancel it again after that"
        }
    }

    private static func message(_ ending: JobEnding) -> String {
        let reason = ending.reason.map { ", \($0.rawValue)" } ?? ""
        return "\(ending.outcome.rawValue)\(reason), effect \(ending.effect?.rawValue ?? "-")"
    }
}
