import JSON
import Service
import Settings
import Terminal

/// `pause`, `resume`, `probe`, `holds`, `quota`, `queues`: they are the running daemon's to answer.
struct OperateCommand: Sendable {
    let settings: Settings
    let arguments: ParsedArguments

    init(_ settings: Settings, _ arguments: ParsedArguments) {
        self.settings = settings
        self.arguments = arguments
    }

    func run(_ name: String) async throws -> ExitStatus {
        var members: [JSONValue.Member] = []
        if ["pause", "resume"].contains(name), let account = arguments.value("--account") {
            members.append(.init("account", .text(account)))
        }
        if name == "resume", let cause = arguments.positionals.first { members.append(.init("cause", .text(cause))) }
        let answer: JSONValue
        do throws(ControlError) {
            answer = try await ControlClient(path: settings.admin.controlSocket).ask(name, .object(members))
        } catch {
            throw CommandFailure(error)
        }
        if arguments.isSet("--json") {
            StandardStream.output.write(json: answer)
        } else {
            StandardStream.output.write(text(name, answer))
        }
        return name == "probe" && answer["probing"]?.bool == false ? .answeredNo : .done
    }

    private static let probing = "jobs test the holds now, one after another; see `leave-albumd holds`\n"

    private func text(_ name: String, _ answer: JSONValue) -> String {
        switch name {
        case "pause":
            arguments.value("--account") == nil
                ? "paused: no call begins until `leave-albumd resume`\n"
                : "the account's jobs wait until it is resumed\n"
        case "resume":
            answer["probing"]?.bool == true ? Self.probing : "resumed\n"
        case "probe":
            answer["probing"]?.bool == true ? Self.probing : "no hold is tested by a job\n"
        case "holds": holds(answer)
        case "quota": quota(answer)
        default: queues(answer)
        }
    }

    private func holds(_ answer: JSONValue) -> String {
        let holds = answer["holds"]?.elements ?? []
        let accounts = answer["accounts"]?.elements ?? []
        guard !holds.isEmpty || !accounts.isEmpty else { return "nothing is on hold\n" }
        var table = Table([
            .init("WHO"), .init("CAUSE"), .init("SINCE"), .init("NEXT PROBE"), .init("TRIED", .right),
            .init("DETAIL", mayShrink: true),
        ])
        var redrives = ""
        for hold in holds {
            table.append([
                "worker", hold["cause"]?.text ?? "-", hold["since"]?.text ?? "-",
                hold["nextProbeAt"]?.text ?? "when its cause ends", hold["tried"]?.integer.map { "\($0)" } ?? "",
                hold["detail"]?.text ?? "",
            ])
            if let redrive = hold["redrive"]?.text {
                redrives +=
                    "\(hold["ended"]?.elements?.count ?? 0) jobs ended for \(hold["cause"]?.text ?? "-") before it was "
                    + "known to be everybody's; once it is over:\n  \(DisplayText.printable(redrive))\n"
            }
        }
        for hold in accounts {
            table.append([
                hold["account"]?.text ?? "-", hold["cause"]?.text ?? "-", "-",
                hold["until"]?.text ?? (hold["cause"]?.text == "operator_paused" ? "when it is resumed" : "now"), "",
                (Self.accountWords[hold["cause"]?.text ?? ""] ?? "") + (hold["detail"]?.text.map { ": \($0)" } ?? ""),
            ])
        }
        return table.rendered(width: StandardStream.output.columns) + redrives
    }

    /// Why an account waits, for who has not read of it.
    private static let accountWords = [
        "quota_minute": "over its rate", "concurrent_write": "another write of it is under way",
        "refused": "all its calls are refused, and no other account's was made since; it tries again in rounds",
        "api_unavailable": "its calls fail, and no other account's was made since; it tries again in rounds",
        "operator_paused": "paused",
    ]

    private func quota(_ answer: JSONValue) -> String {
        func number(_ name: String) -> String { answer[name]?.integer.map { "\($0)" } ?? "-" }
        var sheet = FactSheet()
        sheet.add("day", "\(answer["day"]?.text ?? "-"), until \(answer["resetsAt"]?.text ?? "-")")
        sheet.add("spent", "\(number("calls")) calls, \(number("probes")) probes")
        let limit = answer["limit"]?.integer ?? 0
        sheet.add("limit", limit == 0 ? "none" : "\(limit), \(number("remaining")) left")
        sheet.add("pace", answer["pace"]?.text)
        sheet.add("backlog", answer["backlog"]?.integer.map { "\($0) jobs" } ?? "the broker does not answer")
        sheet.add("done", answer["doneAt"]?.text ?? "nobody can say yet")
        return sheet.rendered()
    }

    private func queues(_ answer: JSONValue) -> String {
        var table = Table([.init("QUEUE"), .init("MESSAGES", .right), .init("CONSUMERS", .right)])
        for queue in answer["queues"]?.elements ?? [] {
            table.append([
                queue["name"]?.text ?? "-", queue["messages"]?.integer.map { "\($0)" } ?? "missing",
                queue["consumers"]?.integer.map { "\($0)" } ?? "-",
            ])
        }
        return table.rendered(width: StandardStream.output.columns)
    }
}
