import AMQP
import Clocks
import Daemon
import JSON
import Jobs
import Messages
import Operations
import Settings
import Terminal

extension Commands {
    static let submit = Command(
        "submit", summary: "Publishes jobs, and returns when the broker has them",
        discussion: """
            One job from --account and --share-token-file, or many as JSON lines from --file or standard input. A list \
            with a faulty line is refused as a whole, and so is one that gives an id to two different jobs; the same \
            job twice is submitted once. A job without a jobId gets a new one. Prints the id of each job that the \
            broker has. With --cloudevents they are published as CloudEvents in structured mode: a line that is an event \
            already as it is, any other as the data of a new event, whose id is the job's; and --wait prints the \
            results as events.
            """,
        options: [
            .config, .json, .account("whose album membership ends"),
            .value("--share-token-file", "FILE", help: "the album's share token; - is standard input"),
            .value("--id", "ID", help: "the job's id (default: a new one)"),
            .value("--deadline", "TIME", help: "no call starts after it: 2026-11-23T19:50:00Z"),
            .value("--metadata", "NAME=VALUE", isRepeatable: true, help: "echoed in the result"),
            .value("--file", "FILE", help: "jobs as JSON lines; - is standard input"),
            .flag("--bulk", help: "to the lane of mass jobs, which waits for interactive ones"),
            .flag("--unchecked", help: "publish lines as they are, to see what the worker says of bad input"),
            .flag("--cloudevents", help: "as CloudEvents, of a type in messages.cloudevents"),
            .value("--event-type", "TYPE", help: "of new events (default: the first of messages.cloudevents)"),
            .value("--event-source", "URI", help: "of new events (default: \(EventSubmission.defaultSource))"),
            .flag("--wait", help: "wait for the results; exit 1 if one is not a success"),
            .value("--timeout", "DURATION", help: "how long to wait: 30s, 10m (default: for ever)"),
        ], action: .withSettings { try await SubmitCommand(context: $0).run() })
}

/// `submit`.
struct SubmitCommand: ConfiguredCommand {
    let context: CommandContext

    func run() async throws -> ExitStatus {
        let timeout = try waitingTime()
        let events = try self.events()
        let submissions = try read(as: events)
        try await BrokerProbe.connect(settings)
        let link = try settings.link("submit", asOperator: true)
        let submitter = Submitter(
            try PublishingLink(link) { _ in }, prefix: settings.broker.prefix, isBulk: arguments.isSet("--bulk"))
        guard arguments.isSet("--wait") else {
            try await publish(submissions, submitter, title: "publishing", prints: true)
            return .done
        }
        let tail = try ResultsTail(try settings.link("submit wait", asOperator: true), prefix: settings.broker.prefix)
        return try await wait(for: submissions, submitter, tail, timeout: timeout)
    }

    private func waitingTime() throws -> Duration? {
        guard let text = arguments.value("--timeout") else { return nil }
        guard arguments.isSet("--wait") else { throw arguments.error("--timeout needs --wait") }
        guard let time = Duration(settingText: text) else {
            throw arguments.error("--timeout takes a duration like 10m, not \(text)")
        }
        return time
    }

    // MARK: What is submitted

    /// Nil: the jobs are messages of their own.
    private func events() throws -> EventSubmission? {
        let (type, source) = (arguments.value("--event-type"), arguments.value("--event-source"))
        guard arguments.isSet("--cloudevents") else {
            guard type == nil, source == nil else {
                throw arguments.error("\(type == nil ? "--event-source" : "--event-type") needs --cloudevents")
            }
            return nil
        }
        // What the worker does not list it would reject.
        let types = settings.messages.cloudevents
        guard
            let events = EventSubmission(
                types: (type.map { [$0] } ?? []) + types, source: source ?? EventSubmission.defaultSource)
        else {
            throw CommandFailure(
                .settingsWrong, "messages.cloudevents lists no type of events: the worker takes none for a job")
        }
        return events
    }

    private func read(as events: EventSubmission?) throws -> [Submission] {
        guard let account = arguments.value("--account") else { return try readLines(as: events) }
        guard arguments.value("--file") == nil else { throw arguments.error("--account and --file exclude each other") }
        guard let file = arguments.value("--share-token-file") else {
            throw arguments.error("--account needs --share-token-file")
        }
        var token = try InputFile.read(file)
        if token.last == UInt8(ascii: "\n") { token.removeLast() }
        if token.last == UInt8(ascii: "\r") { token.removeLast() }
        let metadata = try arguments.values("--metadata").map { text throws(UsageError) in
            guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
                throw arguments.error("--metadata takes NAME=VALUE, not \(text)")
            }
            return Job.Metadatum(
                key: Array(text.utf8[..<equals]), value: Array(text.utf8[text.utf8.index(after: equals)...]))
        }
        let id = arguments.value("--id").map { JobID($0) }
        do throws(Rejection) {
            return [
                try Submission(
                    jobID: id, account: Array(account.utf8), shareToken: token,
                    deadline: arguments.value("--deadline"), metadata: metadata,
                    requestedAt: SystemTimeSource().wall(), as: events)
            ]
        } catch {
            throw CommandFailure(.badInput, "\(error.reason.rawValue): \(error.detail)")
        }
    }

    private func readLines(as events: EventSubmission?) throws -> [Submission] {
        for option in ["--share-token-file", "--id", "--deadline", "--metadata"]
        where !arguments.values(option).isEmpty {
            throw arguments.error("\(option) needs --account")
        }
        let file = arguments.value("--file")
        guard file != nil || !InputFile.inputIsTerminal else {
            throw arguments.error("give --account and --share-token-file, or --file, or jobs on standard input")
        }
        let text = try InputFile.read(file)
        guard !arguments.isSet("--unchecked") else {
            guard !arguments.isSet("--wait") else { throw arguments.error("--wait and --unchecked exclude each other") }
            return SubmissionLines.unchecked(text, asEvents: events != nil)
        }
        switch SubmissionLines.read(text, as: events) {
        case .success(let list):
            for repetition in list.repetitions { StandardStream.error.write("leave-albumd: \(repetition)\n") }
            return list.submissions
        case .failure(let list):
            let faults = list.faults.map { "\($0)\n" }.joined()
            throw CommandFailure(.badInput, "nothing was submitted:\n\(faults)".trimmingLastNewline)
        }
    }

    // MARK: Publishing and waiting

    private func publish(
        _ submissions: [Submission], _ submitter: Submitter, title: String, prints: Bool
    ) async throws {
        let count = submissions.count
        var done = 0
        var progress = ProgressBar(title: title, total: count)
        do throws(Submitter.Refusal) {
            // Without a record of the ids there is no second try of the rest.
            try await submitter.submit(submissions, while: { !StandardStream.hasLostOutput }) { submission in
                done += 1
                if prints, StandardStream.output.isTerminal { progress.hide() }
                if prints {
                    let id = submission.jobID?.string ?? "-"
                    if isJSON {
                        StandardStream.output.write(json: .object([.init("jobId", .text(id))]))
                    } else {
                        StandardStream.output.write("\(id)\n")
                    }
                }
                progress.update(completed: done)
            }
        } catch {
            progress.hide()
            throw CommandFailure(
                .serviceUnavailable, "\(error); the broker has \(done) of \(count) jobs, whose ids are printed")
        }
        progress.hide()
        if done < count { StandardStream.error.write("leave-albumd: the broker has \(done) of \(count) jobs\n") }
    }

    private func wait(
        for submissions: [Submission], _ submitter: Submitter, _ tail: ResultsTail, timeout: Duration?
    ) async throws -> ExitStatus {
        let awaited = AwaitedResults(submissions)
        if let timeout {
            Task {
                await SystemTimeSource().sleep(for: timeout)
                tail.stop()
            }
        }
        let shown = arguments.isSet("--cloudevents") ? settings.resultEvents(.rabbitmq) : nil
        var progress = ProgressBar(title: "results", total: awaited.total)
        for await event in tail.events {
            switch event {
            case .following:
                // The first time, and after each loss of the connection, in which results may have been missed: the
                // same jobs again get the same results again.
                try await publish(awaited.open, submitter, title: "publishing", prints: false)
            case .lost(let error): StandardStream.error.write("leave-albumd: \(error); connecting again\n")
            case .result(let result):
                guard awaited.take(result) else { continue }
                if StandardStream.output.isTerminal { progress.hide() }
                StandardStream.output.write(ResultLine.text(result, isJSON: isJSON, events: shown))
                progress.update(completed: awaited.total - awaited.open.count)
            }
            if awaited.isComplete || StandardStream.hasLostOutput { break }
        }
        progress.hide()
        StandardStream.error.write(awaited.summary + "\n")
        guard awaited.isComplete else { return .tryAgainLater }
        return awaited.allSucceeded ? .done : .answeredNo
    }
}

extension String {
    fileprivate var trimmingLastNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
