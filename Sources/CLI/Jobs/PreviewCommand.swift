import AMQP
import Clocks
import Concurrency
import Daemon
import JSON
import Jobs
import Messages
import Operations
import Pipeline
import Secrets
import Settings
import Terminal

extension Commands {
    static let preview = Command(
        "preview", summary: "What would become of the jobs that wait in the queues",
        discussion: """
            Looks at some messages with the worker's own user and gives them back; the API and the token service are \
            asked nothing. Each look counts as a delivery of what is shown. What was delivered five times is not shown, \
            and laid down anew instead, so that no look brings it near a limit. While a daemon consumes, nothing is \
            taken from it: then it says what it has in flight.
            """,
        options: [
            .config, .json,
            .value("--limit", "N", help: "so many at most: 1 to \(PreviewRequest.mostJobs) (default \(usualLimit))"),
        ], action: .withSettings { try await PreviewCommand(context: $0).run() })

    fileprivate static let usualLimit = 20
}

/// `preview`.
struct PreviewCommand: ConfiguredCommand {
    let context: CommandContext

    func run() async throws -> ExitStatus {
        let limit = try arguments.integer("--limit", in: 1...PreviewRequest.mostJobs) ?? Commands.usualLimit
        let link = try settings.link("preview")
        let session = try BrokerAdmin(link)
        // So that a command says what is wrong instead of trying for ever.
        try await session.connect()
        let outbox = LazyOutbox(settings)
        let seen = Lock<[MessagePreview]>([])
        let (names, prefix, types) = (settings.queueNames, settings.broker.prefix, settings.messages.cloudevents)
        let waiting = WaitingMessages(link, names: names) { publication in
            await outbox.link()?.publish(publication) ?? .unknown
        }
        let look = try await waiting.look(limit: limit) { message in
            let preview = MessagePreview(message, prefix: prefix, eventTypes: types)
            seen.withLock { $0.append(preview) }
            guard preview.isToBeLeftAlone else { return .giveBack }
            guard let copy = preview.relaid(at: SystemTimeSource().wall(), under: names) else { return .giveBack }
            return .replace(copy)
        }
        switch look {
        case .consumed(let queue): return try await showInFlight(limit: limit, consumed: queue)
        case .done(let count, let ready): return try await show(seen.withLock { $0 }, count, of: ready)
        }
    }

    // MARK: What waits

    private func show(_ seen: [MessagePreview], _ count: Int, of ready: Int) async throws -> ExitStatus {
        var table = Table([
            .init("JOB"), .init("ACCOUNT"), .init("QUEUE"), .init("WHAT"), .init("REASON"), .init("UNTIL"),
            .init("DETAIL", mayShrink: true),
        ])
        for plan in try await plans(seen) {
            if isJSON {
                StandardStream.output.write(json: plan.json)
                continue
            }
            table.append([
                plan.message.jobID?.string ?? "-", plan.message.account?.string ?? "-", plan.message.lane.rawValue,
                plan.word, plan.reason ?? "", plan.until?.rfc3339 ?? "",
                plan.holds.isEmpty ? plan.detail : "held by \(plan.holds.joined(separator: ", ")); " + plan.detail,
            ])
        }
        if !isJSON, !table.isEmpty { StandardStream.output.write(table.rendered(width: StandardStream.output.columns)) }
        guard count > 0 else {
            let queues = WaitingMessages.lanes.map(settings.queueNames.queue).joined(separator: ", ")
            if !isJSON { StandardStream.output.write("no job waits in \(queues)\n") }
            return .done
        }
        let leftAlone = seen.count { $0.isToBeLeftAlone }
        StandardStream.error.write(
            "\(count) of \(ready) messages were looked at, which counted as a delivery of \(count - leftAlone) of them; "
                + "\(leftAlone) were left alone\n")
        return .done
    }

    private func plans(_ seen: [MessagePreview]) async throws -> [PreviewPlan] {
        let jobs: [WaitingJob] = seen.compactMap {
            guard case .job(let job) = $0.content, !$0.isToBeLeftAlone else { return nil }
            return WaitingJob(
                jobID: job.id, account: job.account, tokenHash: job.shareToken.sha256.hexadecimal,
                generation: $0.jobHeaders.generation, copy: $0.jobHeaders.copy)
        }
        guard !seen.isEmpty else { return [] }
        var answer = PreviewRequest.Answer(jobs: [], holds: [])
        do {
            answer = try await ledger.perform(PreviewRequest(jobs))
        } catch {
            let problem = CommandFailure(error).description
            StandardStream.error.write("leave-albumd: what the ledger knows of them is left out: \(problem)\n")
        }
        var known = answer.jobs[...]
        let now = SystemTimeSource().wall()
        return seen.map { message in
            let isAsked = if case .job = message.content { !message.isToBeLeftAlone } else { false }
            return PreviewPlan(
                message, isAsked ? known.popFirst() : nil, holds: answer.holds, settings.retry, at: now)
        }
    }

    // MARK: What is in flight

    private func showInFlight(limit: Int, consumed queue: String) async throws -> ExitStatus {
        let answer: InFlightRequest.Answer
        do {
            answer = try await askDaemon(InFlightRequest(limit: limit))
        } catch let failure as CommandFailure {
            throw CommandFailure(
                failure.status,
                "\(queue) has a consumer, so nothing is looked at there; what it has in flight a daemon of this host "
                    + "would say: \(failure.description)")
        }
        guard !isJSON else {
            for job in answer.jobs { StandardStream.output.write(json: job.json) }
            return summary(answer, queue)
        }
        var table = Table([
            .init("JOB"), .init("ACCOUNT"), .init("QUEUE"), .init("IN FLIGHT"), .init("SECONDS", .right),
        ])
        for job in answer.jobs {
            table.append([
                job.jobID?.string ?? "-", job.account?.string ?? "-", job.lane, job.state,
                "\(Int(job.waited.inSeconds))",
            ])
        }
        StandardStream.output.write(
            table.isEmpty ? "nothing is in flight\n" : table.rendered(width: StandardStream.output.columns))
        return summary(answer, queue)
    }

    private func summary(_ answer: InFlightRequest.Answer, _ queue: String) -> ExitStatus {
        StandardStream.error.write(
            "\(queue) is consumed, so nothing was looked at there; the daemon has \(answer.total) in flight"
                + (answer.holds.isEmpty ? "\n" : ", on hold for \(answer.holds.joined(separator: ", "))\n"))
        return .done
    }
}
