import JSON
import Jobs
import Operations
import Service
import Settings
import Terminal

extension Commands {
    static let status = Command(
        "status", summary: "What the running daemon says of itself", options: [.config, .json],
        action: .withSettings { try await StatusCommand(context: $0).run() })
}

/// `status`.
struct StatusCommand: ConfiguredCommand {
    let context: CommandContext

    func run() async throws -> ExitStatus {
        let status = try await askDaemon(StatusRequest())
        show(status, Self.text(status))
        return .done
    }

    static func text(_ status: JSONValue) -> String {
        var sheet = FactSheet()
        sheet.add("state", "\(status["state"]?.text ?? "-") since \(status["since"]?.text ?? "-")")
        sheet.add("waits for", status["trouble"]?.text)
        for hold in status["holds"]?.elements ?? [] {
            let probe = hold["nextProbeAt"]?.text.map { "next probe \($0)" } ?? "ends when its cause does"
            let tried = hold["tried"]?.integer.map { ", \($0) tried in vain" } ?? ""
            sheet.add(
                "hold",
                "\(hold["cause"]?.text ?? "") since \(hold["since"]?.text ?? ""), \(probe)\(tried): "
                    + (hold["detail"]?.text ?? ""))
            if let redrive = hold["redrive"]?.text {
                sheet.add("ended before", "\(hold["ended"]?.elements?.count ?? 0) jobs; once it is over: \(redrive)")
            }
        }
        sheet.add(
            "in hand",
            "\(status["inHand"]?.integer ?? 0) jobs, \(status["callsInFlight"]?.integer ?? 0) calls in flight"
                + (status["oldestJobAgeSeconds"].map { ", the oldest \(number($0)) s" } ?? ""))
        let ended = (status["ended"]?.members ?? []).map {
            "\(String(decoding: $0.name, as: UTF8.self)) \($0.value.integer ?? 0)"
        }
        sheet.add("ended", ended.joined(separator: ", "))
        sheet.add(
            "rate", "\(number(status["perMinute"])) a minute; \(number(status["perMinuteOfFifteen"])) over 15 minutes")
        sheet.add("dead letters", deadLetters(status))
        sheet.add("last failure", lastFailure(status))
        if let quota = status["quota"] {
            let limit = quota["limit"]?.integer ?? 0
            sheet.add(
                "quota",
                "\(quota["spent"]?.integer ?? 0) calls of \(limit == 0 ? "no limit" : "\(limit)") on "
                    + "\(quota["day"]?.text ?? ""), resets \(quota["resetsAt"]?.text ?? "")")
        }
        for link in status["links"]?.elements ?? [] { sheet.add(link["name"]?.text ?? "link", linkText(link)) }
        if let ledger = status["ledger"] {
            let about = ledger["estimated"]?.bool == true ? "about " : ""
            sheet.add(
                "ledger",
                "\(about)\(ledger["entries"]?.integer ?? 0) jobs, \(about)\(ledger["open"]?.integer ?? 0) open, "
                    + "\(about)\(ledger["ambiguous"]?.integer ?? 0) ambiguous, \(ledger["unpublishedResults"]?.integer ?? 0) "
                    + "results owed, \(ByteCount.text(ledger["bytes"]?.integer ?? 0)) of \(ledger["path"]?.text ?? "")"
                    + (ledger["diskFreeBytes"]?.integer.map { ", \(ByteCount.text($0)) free" } ?? ""))
        }
        let differing = status["ledger"]?["differingSettings"]?.elements ?? []
        if !differing.isEmpty { sheet.add("settings differ", differing.compactMap(\.text).joined(separator: ", ")) }
        for member in status["members"]?.elements ?? [] { sheet.add("member", memberText(member)) }
        if status["settings"]?["reloadSucceeded"]?.bool == false {
            sheet.add(
                "settings",
                "the last reload failed; in use are those of \(status["settings"]?["loadedAt"]?.text ?? "-")")
        }
        sheet.add(
            "daemon",
            "leave-albumd \(status["version"]?.text ?? ""), process \(status["pid"]?.integer ?? 0), since "
                + (status["startedAt"]?.text ?? ""))
        return sheet.rendered()
    }

    /// Since the daemon started; nil from a daemon that does not count them.
    private static func deadLetters(_ status: JSONValue) -> String? {
        guard let deadLetterCount = status["deadLetters"]?.members else { return nil }
        guard !deadLetterCount.isEmpty else { return "none since the start" }
        return deadLetterCount.map { "\(String(decoding: $0.name, as: UTF8.self)) \($0.value.integer ?? 0)" }
            .joined(separator: ", ")
    }

    private static func lastFailure(_ status: JSONValue) -> String? {
        guard let failure = status["failures"]?.elements?.first else { return nil }
        return "\(failure["at"]?.text ?? "") \(failure["jobId"]?.text ?? "a message without id"): "
            + (failure["reason"]?.text ?? "") + (failure["detail"]?.text.map { " (\($0))" } ?? "")
    }

    private static func memberText(_ member: JSONValue) -> String {
        let report = member["report"].map {
            ": \($0["worker"]?.text ?? "-"), \($0["inHand"]?.integer ?? 0) in hand, "
                + "\($0["callsInFlight"]?.integer ?? 0) calls in flight, \(number($0["perMinute"])) a minute"
                + holdsText($0["holds"])
        }
        return "\(member["name"]?.text ?? "")#\(member["epoch"]?.integer ?? 0) \(member["state"]?.text ?? ""), "
            + (member["paused"]?.bool == true ? "paused, " : "")
            + "\(member["version"]?.text ?? ""), settings \(member["settings"]?.text ?? "-"), seen \(member["seenAt"]?.text ?? "-")\(report ?? "")"
    }

    private static func holdsText(_ holds: JSONValue?) -> String {
        let causes = (holds?.elements ?? []).compactMap(\.text)
        return causes.isEmpty ? "" : ", on hold: \(causes.joined(separator: ", "))"
    }

    private static func linkText(_ link: JSONValue) -> String {
        guard link["connected"]?.bool == true else { return "not connected" }
        let blocked = link["blocked"]?.bool == true ? ", blocked by the broker" : ""
        let reconnects = link["reconnects"]?.integer ?? 0
        return "\(link["endpoint"]?.text ?? "")\(blocked), \(link["unconfirmed"]?.integer ?? 0) unconfirmed, "
            + "\(reconnects) reconnect\(reconnects == 1 ? "" : "s")"
    }

    private static func number(_ value: JSONValue?) -> String {
        switch value {
        case .real(let number): "\((number * 10).rounded() / 10)"
        case .integer(let number): "\(number)"
        default: "-"
        }
    }
}
