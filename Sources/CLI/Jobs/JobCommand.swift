import Clocks
import JSON
import Jobs
import Ledger
import Operations
import Settings
import Terminal

extension Commands {
    static let job = Command(
        "job", summary: "One job's story: what the ledger knows of it", options: [.config, .json],
        positionals: [PositionalSpecification("ID", help: "the job's id")],
        action: .withSettings { try await JobCommand(context: $0).run() })
}

/// `job ID`.
struct JobCommand: ConfiguredCommand {
    let context: CommandContext

    func run() async throws -> ExitStatus {
        let history = try await ledger.perform(JobRequest(JobID(arguments.positionals[0])))
        show(history, Self.text(history))
        return .done
    }

    static func text(_ history: JobHistory) -> String {
        var sheet = FactSheet()
        sheet.add("job", history.jobID.string)
        sheet.add("account", history.account.string)
        sheet.add("state", history.state.sentence)
        sheet.add("generation", history.generation)
        sheet.add("attempts spent", history.attempts)
        if history.isAmbiguous { sheet.add("ambiguous", "a call may have reached the API without an answer") }
        sheet.add("first seen", history.firstSeen.rfc3339)
        sheet.add("first call", history.firstCallAt?.rfc3339)
        sheet.add("last change", history.changedAt.rfc3339)
        sheet.add("trace", history.traceID)
        sheet.add("token SHA-256", history.tokenHash)
        var text = sheet.rendered()
        for result in history.results { text += resultText(result) }
        let lines = history.lines
        if !lines.isEmpty {
            var table = Table([.init("TIME"), .init("WHAT"), .init("DETAIL", mayShrink: true)])
            for line in lines { table.append([line.at.rfc3339, line.kind, line.detail]) }
            text += "\n" + table.rendered(width: StandardStream.output.columns)
        }
        return text
    }

    private static func resultText(_ result: JobHistory.Result) -> String {
        let body = result.body
        var sheet = FactSheet()
        sheet.add("message-id", result.messageID)
        sheet.add("outcome", body["outcome"]?.text)
        sheet.add("effect", body["effect"]?.text)
        sheet.add("reason", body["reason"]?.text)
        sheet.add("who can act", body["next"]?.text)
        sheet.add("detail", body["detail"]?.text)
        sheet.add("completed", body["completedAt"]?.text)
        return "\nresult\n" + sheet.rendered()
    }
}
