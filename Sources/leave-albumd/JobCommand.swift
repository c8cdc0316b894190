import JSON
import Settings
import Terminal

/// `job ID`.
struct JobCommand: Sendable {
    let settings: Settings
    let arguments: ParsedArguments

    init(_ settings: Settings, _ arguments: ParsedArguments) {
        self.settings = settings
        self.arguments = arguments
    }

    func run() async throws -> ExitStatus {
        let story = try await LedgerDoor(settings: settings).ask(
            "job", .object([.init("jobId", .text(arguments.positionals[0]))]))
        if arguments.isSet("--json") {
            StandardStream.output.write(json: story)
        } else {
            StandardStream.output.write(Self.text(story))
        }
        return .done
    }

    static func text(_ story: JSONValue) -> String {
        var sheet = FactSheet()
        sheet.add("job", story["jobId"]?.text)
        sheet.add("account", story["account"]?.text)
        sheet.add("state", state(story))
        sheet.add("generation", story["generation"]?.integer)
        sheet.add("attempts spent", story["attempts"]?.integer)
        if story["ambiguous"]?.bool == true {
            sheet.add("ambiguous", "a call may have reached the API without an answer")
        }
        sheet.add("first seen", story["firstSeenAt"]?.text)
        sheet.add("first call", story["firstCallAt"]?.text)
        sheet.add("last change", story["changedAt"]?.text)
        sheet.add("token SHA-256", story["tokenSha256"]?.text)
        var text = sheet.rendered()
        for result in story["results"]?.elements ?? [] { text += resultText(result) }
        let lines = timeline(story)
        if !lines.isEmpty {
            var table = Table([.init("TIME"), .init("WHAT"), .init("DETAIL", mayShrink: true)])
            for line in lines { table.append([line.at, line.kind, line.detail]) }
            text += "\n" + table.rendered(width: StandardStream.output.columns)
        }
        return text
    }

    private static func state(_ story: JSONValue) -> String {
        switch story["state"]?.text {
        case "parked":
            let due = story["dueAt"]?.text ?? "-"
            return story["copyPublished"]?.bool == false
                ? "parked until \(due); its copy is not confirmed yet" : "parked until \(due)"
        case "calling": return "calling, or interrupted in a call"
        case "waiting": return "waiting in the worker or in a queue"
        case "finished":
            if story["resultPublished"]?.bool == false { return "finished; its result is not confirmed yet" }
            if story["letterPublished"]?.bool == false { return "finished; its dead letter is not confirmed yet" }
            return "finished"
        default: return "-"
        }
    }

    private static func resultText(_ result: JSONValue) -> String {
        guard let body = result["body"] else { return "" }
        var sheet = FactSheet()
        sheet.add("message-id", result["messageId"]?.text)
        sheet.add("outcome", body["outcome"]?.text)
        sheet.add("effect", body["effect"]?.text)
        sheet.add("reason", body["reason"]?.text)
        sheet.add("who can act", body["next"]?.text)
        sheet.add("detail", body["detail"]?.text)
        sheet.add("completed", body["completedAt"]?.text)
        return "\nresult\n" + sheet.rendered()
    }

    private struct Line {
        var at: String
        var kind: String
        var detail: String
    }

    private static func timeline(_ story: JSONValue) -> [Line] {
        let events = (story["events"]?.elements ?? []).map {
            Line(at: $0["at"]?.text ?? "", kind: $0["kind"]?.text ?? "", detail: $0["detail"]?.text ?? "")
        }
        let holds = (story["holds"]?.elements ?? []).map {
            Line(
                at: $0["since"]?.text ?? "", kind: "hold",
                detail: "\($0["cause"]?.text ?? "") until \($0["until"]?.text ?? "now"): \($0["detail"]?.text ?? "")")
        }
        return (events + holds).sorted { $0.at < $1.at }
    }
}
