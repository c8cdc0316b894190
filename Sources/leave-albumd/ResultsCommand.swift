import AMQP
import JSON
import Jobs
import Operations
import Settings
import Terminal
import Threads

/// `results`.
struct ResultsCommand: Sendable {
    let settings: Settings
    let arguments: ParsedArguments

    init(_ settings: Settings, _ arguments: ParsedArguments) {
        self.settings = settings
        self.arguments = arguments
    }

    func run() async throws -> ExitStatus {
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
        var shown = 0
        for await event in tail.events {
            switch event {
            case .following: break
            case .lost(let error):
                StandardStream.error.write("leave-albumd: \(error); results may be missed until it is back\n")
            case .result(let result):
                if let job, result.jobID != job { continue }
                guard StandardStream.output.write(ResultLine.text(result, isJSON: arguments.isSet("--json"))) else {
                    return .done
                }
                shown += 1
                if shown == limit { return .done }
            }
        }
        return .done
    }

    private func replay(_ id: String) async throws -> ExitStatus {
        let answer = try await LedgerDoor(settings: settings).ask(
            "results.replay", .object([.init("jobId", .text(id))]))
        tell(Int(answer["published"]?.integer ?? 0))
        return .done
    }

    private func replay(since text: String) async throws -> ExitStatus {
        guard let time = Timestamp(rfc3339: text) else {
            throw arguments.error("--since takes a time like 2026-11-23T19:50:00Z, not \(text)")
        }
        let door = LedgerDoor(settings: settings)
        var published = 0
        var progress = ProgressBar(title: "publishing", total: nil)
        var after: JSONValue?
        repeat {
            var members: [JSONValue.Member] = [.init("sinceMs", .integer(time.milliseconds))]
            if let after { members.append(.init("after", after)) }
            let answer = try await door.ask("results.replay", .object(members))
            published += Int(answer["published"]?.integer ?? 0)
            progress.update(completed: published)
            after = answer["after"]
        } while after != nil
        progress.hide()
        tell(published)
        return .done
    }

    private func tell(_ published: Int) {
        if arguments.isSet("--json") {
            StandardStream.output.write(json: .object([.init("published", .integer(Int64(published)))]))
        } else {
            StandardStream.output.write("published \(published) result\(published == 1 ? "" : "s") again\n")
        }
    }
}
