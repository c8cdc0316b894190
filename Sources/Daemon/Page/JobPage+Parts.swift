import Clocks
import JSON
import Jobs
import Ledger
import Messages
import Operations
import Pipeline
import Secrets
import Service

/// The parts of a job's page, from its top to its end.
extension JobPage {
    func band(_ face: Face) -> HTML {
        .element(
            "header", ["id": "band", "data-tone": face.tone, "class": "of-job"],
            [
                .element(
                    "div", [:],
                    [
                        .element("h1", ["id": "state"], face.word),
                        id.isEmpty ? nil : .element("p", ["id": "job"], [.element("code", ["class": "id"], shownID)]),
                        .element("p", ["id": "since"], face.sentence),
                    ])
            ])
    }

    /// The way back, and to another job. It works without a script.
    static let lookup = HTML.element(
        "nav", ["class": "lookup"],
        [
            .element("a", ["href": "/"], "leave-albumd"),
            .element(
                "form", ["action": "/job", "role": "search"],
                [
                    .element("label", ["for": "id"], "Job"),
                    .void(
                        "input",
                        [
                            "id": "id", "name": "id", "required": "", "maxlength": "\(JobID.lengths.upperBound)",
                            "autocomplete": "off", "autocapitalize": "off", "spellcheck": "false",
                        ]),
                    .element("button", [:], "Show"),
                ]),
        ])

    var main: HTML {
        var sections: [HTML?] = []
        switch content {
        case .known(let history):
            sections.append(waits)
            sections.append(facts(history))
            sections += history.results.reversed().map(result)
            sections.append(table(history))
            sections.append(commands)
        case .unknown:
            sections.append(waits)
            sections.append(inFlight == nil ? absence : unclaimed)
            sections.append(commands)
        case .noID: sections.append(section("Ids", [.element("p", [:], Self.rule)]))
        case .unanswered, .none: break
        }
        return .element("main", ["class": "of-job"], sections)
    }

    private static let rule = "A job’s id has 1 to 128 characters, of A–Z a–z 0–9 . _ : / and -."

    private func section(_ title: String, _ children: [HTML?]) -> HTML {
        .element("section", [:], [.element("h2", [:], title)] + children)
    }

    // MARK: What it waits for

    /// Holds stop all jobs of this daemon, so they are shown of any that is open.
    private var waits: HTML? {
        guard isOpen, !holds.isEmpty || accountWait != nil else { return nil }
        var items = holds.map { hold in
            item(
                hold.cause, hold.detail,
                [.text("Since "), PageTime.exact(hold.since), .text(". ")]
                    + next(hold.nextProbeAt, "It ends when its cause does."))
        }
        if let wait = accountWait {
            items.append(
                item(
                    "the account waits: \(wait.cause)", wait.detail,
                    next(wait.until, "Until it is resumed, or being tried.")))
        }
        return section("On hold", [.element("ul", ["class": "holds"], items)])
    }

    private func item(_ name: String, _ detail: String?, _ times: [HTML]) -> HTML {
        .element(
            "li", [:],
            [
                .element("strong", [:], name), detail.map { .element("p", [:], $0) }, .element("p", [:], times),
            ])
    }

    private func next(_ time: Timestamp?, _ otherwise: String) -> [HTML] {
        guard let time else { return [.text(otherwise)] }
        guard time > now else {
            return [
                .text("Jobs try since "), PageTime.exact(time), .text(", for "), PageTime.distance(time, from: now),
                .text("."),
            ]
        }
        return [
            .text("Next try "), PageTime.exact(time), .text(", "), PageTime.until(time, from: now), .text("."),
        ]
    }

    // MARK: What is known

    private func facts(_ history: JobHistory) -> HTML {
        section(
            "Job",
            [
                list([
                    ("Account", [.text(account ?? "")]), ("Attempts spent", [.text("\(history.attempts)")]),
                    ("Generation", [.text("\(history.generation)")]),
                    ("First seen", [PageTime.exact(history.firstSeen)]),
                    ("First call", history.firstCallAt.map { [PageTime.exact($0)] }),
                    ("Last change", [PageTime.exact(history.changedAt)]),
                    ("In hand", inFlight.map { _ in [.text(placeSentence)] }),
                    ("Trace", trace.map { [.element("code", ["class": "id"], $0)] }),
                ]),
                // Not of a call that is on its way: its answer is awaited, and nothing is wrong with it.
                history.isAmbiguous
                    ? .element(
                        "p", ["class": isOpen ? "warn" : "muted"],
                        (isOpen ? "▲ " : "") + "A call may have reached the API without an answer"
                            + (isOpen ? "; the album is asked before another one." : ".")) : nil,
            ])
    }

    private var trace: String? {
        if let trace = inFlight?.traceID { return trace }
        if case .known(let history) = content { return history.traceID }
        return nil
    }

    var placeSentence: String {
        guard let inFlight else { return "" }
        let place =
            switch inFlight.place {
            case .withWorker: "with a worker"
            case .waitingForTurn: "waiting for its turn"
            case .betweenTries: "between two tries, or on its way back"
            }
        return "\(place), of lane \(inFlight.lane.rawValue)"
            + (inFlightFor.map { ", for \(PageTime.length($0))" } ?? "")
    }

    private var unclaimed: HTML {
        section(
            "Job",
            [
                list([
                    ("Account", [.text(account ?? "")]), ("In hand", [.text(placeSentence)]),
                    ("Trace", trace.map { [.element("code", ["class": "id"], $0)] }),
                ]),
                .element("p", ["class": "muted"], "The ledger has it from its first call on."),
            ])
    }

    private var absence: HTML {
        section(
            "What that can mean",
            [
                .element(
                    "ul", ["class": "plain"],
                    [
                        .element(
                            "li", [:], "It never came, or came under another id: compare it with the publisher’s."),
                        .element("li", [:], "It waits in a queue, and nobody has called for it yet."),
                        .element(
                            "li", [:],
                            "It was rejected: what never became a job leaves no trace here, but a result and a dead letter."
                        ),
                        .element(
                            "li", [:],
                            "It ended longer ago than \(PageTime.setting(retention)) (ledger.retention), or was forgotten by an "
                                + "operator, and is removed."),
                    ])
            ])
    }

    // MARK: How it ended

    private func result(_ result: JobHistory.Result) -> HTML {
        let body = result.body
        func word(_ name: String) -> [HTML]? { body[name]?.text.map { [.text($0)] } }
        func number(_ name: String) -> [HTML]? { body[name]?.integer.map { [.text("\($0)")] } }
        return section(
            "Result",
            [
                list([
                    ("Outcome", word("outcome")), ("Reason", word("reason")), ("Effect", word("effect")),
                    ("Who can act", word("next")), ("Attempts", number("attempts")),
                    ("HTTP status", number("httpStatus")),
                    ("API status", word("apiStatus")), ("Completed", [PageTime.exact(result.completedAt)]),
                    ("Message-id", [.element("code", ["class": "id"], result.messageID)]),
                ]),
                body["detail"]?.text.map { .element("p", ["class": "detail"], $0) },
            ])
    }

    private func list(_ facts: [(name: String, value: [HTML]?)]) -> HTML {
        .element(
            "dl", ["class": "facts strip"],
            facts.map { fact in
                fact.value.map { .element("div", [:], [.element("dt", [:], fact.name), .element("dd", [:], $0)]) }
            })
    }

    // MARK: Its history

    private func table(_ history: JobHistory) -> HTML {
        let lines = history.lines
        guard !lines.isEmpty else {
            return section("Story", [.element("p", ["class": "muted"], "Nothing beside what stands above.")])
        }
        let head = ["Time", "What", "Detail"].map { HTML.element("th", ["scope": "col"], $0) }
        let rows = lines.map { line in
            HTML.element(
                "tr", [:],
                [
                    .element("td", ["class": "muted"], [PageTime.exact(line.at)]),
                    .element("th", ["scope": "row"], line.kind),
                    .element(
                        "td", ["class": "detail"], JobEvent.text(of: line.detail, without: trace)),
                ])
        }
        return section(
            "Story",
            [
                .element(
                    "table", ["class": "history"],
                    [.element("thead", [:], [.element("tr", [:], head)]), .element("tbody", [:], rows)])
            ])
    }

    /// A job's id has no character that means anything to a shell; one that begins with a hyphen looks like an option.
    private var commands: HTML? {
        guard !id.hasPrefix("-") else { return nil }
        var lines = ["leave-albumd job \(id)"]
        if isOpen { lines.append("leave-albumd cancel \(id)") }
        if case .known(let history) = content, history.results.last?.body["outcome"]?.text == Outcome.failed.rawValue,
            !isOpen
        {
            lines.append("leave-albumd dead redrive --job=\(id) --dry-run")
        }
        return section("On a terminal", lines.map { .element("p", [:], [.element("code", [:], $0)]) })
    }

    // MARK: The end

    var footer: HTML {
        .element(
            "footer", ["id": "foot"],
            [
                .element("span", [:], [.text("As of "), PageTime.exact(now)]),
                .element("span", ["id": "zone"], "Times are UTC"),
            ])
    }

    /// Of all that is said but the time: how long ago something is changes by itself.
    var version: String? {
        guard isOpen else { return nil }
        var said = [id, "\(content)"]
        if case .known(let history) = content { said = [id, String(decoding: history.json.encoded(), as: UTF8.self)] }
        if let inFlight { said.append("\(inFlight.place) \(inFlight.lane) \(inFlight.generation)") }
        for hold in holds { said.append("\(hold.cause) \(hold.nextProbeAt?.rfc3339 ?? "")") }
        if let accountWait { said.append("\(accountWait.cause) \(accountWait.until?.rfc3339 ?? "")") }
        return String(SHA256Digest(of: Array(said.joined(separator: "\n").utf8)).hexadecimal.prefix(16))
    }
}
