import AMQP
import Clocks
import Daemon
import JSON
import Jobs
import Ledger
import Messages
import Operations
import Settings
import Terminal

extension Commands {
    static let results = Command(
        "results", summary: "Follows results live, or publishes stored ones again",
        discussion: """
            Following uses a queue of its own and takes nothing from anybody. --replay and --since publish what the \
            ledger has under the same message-ids, marked as replays. --cloudevents prints each result as a CloudEvent \
            in structured mode, a line of JSON: with the attributes that its message has, or without them as \
            results.source and results.type make it.
            """,
        options: [
            .config, .json,
            .value("--job", "ID", help: "follow this job only"),
            .value("--limit", "N", help: "end after so many results"),
            .flag("--cloudevents", help: "print them as CloudEvents"),
            .value("--replay", "ID", help: "publish the results of this job again"),
            .value("--since", "TIME", help: "publish all results from this time on again: 2026-11-23T19:50:00Z"),
        ], action: .withSettings { try await ResultsCommand(context: $0).run() })
}

/// `results`.
struct ResultsCommand: ConfiguredCommand {
    let context: CommandContext

    func run() async throws -> ExitStatus {
        if arguments.isSet("--cloudevents"), ["--replay", "--since"].contains(where: { arguments.value($0) != nil }) {
            throw arguments.error("--cloudevents is for results that are followed")
        }
        switch (arguments.value("--replay"), arguments.value("--since")) {
        case (let id?, nil): return try await replay(id)
        case (nil, let time?): return try await replay(since: time)
        case (nil, nil): return try await follow()
        case (.some, .some): throw arguments.error("--replay and --since exclude each other")
        }
    }

    private func follow() async throws -> ExitStatus {
        let limit = try arguments.integer("--limit", in: 1...Int.max)
        let job = arguments.value("--job").map { JobID($0) }
        try await BrokerProbe.connect(settings)
        let tail = try ResultsTail(
            try settings.link("results", asOperator: true), prefix: settings.broker.prefix)
        let events = arguments.isSet("--cloudevents") ? settings.resultEvents(.rabbitmq) : nil
        var shown = 0
        for await event in tail.events {
            switch event {
            case .following: break
            case .lost(let error):
                StandardStream.error.write("leave-albumd: \(error); results may be missed until it is back\n")
            case .result(let result):
                if let job, result.jobID != job { continue }
                guard StandardStream.output.write(ResultLine.text(result, isJSON: isJSON, events: events))
                else {
                    return .done
                }
                shown += 1
                if shown == limit { return .done }
            }
        }
        return .done
    }

    private func replay(_ id: String) async throws -> ExitStatus {
        show(try await ledger.perform(ReplayRequest.job(JobID(id))))
        return .done
    }

    private func replay(since text: String) async throws -> ExitStatus {
        guard let time = Timestamp(rfc3339: text) else {
            throw arguments.error("--since takes a time like 2026-11-23T19:50:00Z, not \(text)")
        }
        var published = 0
        var progress = ProgressBar(title: "publishing", total: nil)
        var after: ResultCursor?
        repeat {
            let page = try await ledger.perform(ReplayRequest.since(time, after: after))
            published += page.published
            progress.update(completed: published)
            after = page.after
        } while after != nil
        progress.hide()
        show(.init(published: published, after: nil))
        return .done
    }

    private func show(_ replay: ReplayRequest.Answer) {
        show(replay, "published \(replay.published) result\(replay.published == 1 ? "" : "s") again\n")
    }
}
