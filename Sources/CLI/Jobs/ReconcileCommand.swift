import Clocks
import Daemon
import JSON
import Jobs
import Operations
import Telemetry
import Terminal

extension Commands {
    static let reconcile = Command(
        "reconcile", summary: "Says of each job of a list where it stands, and what settles it",
        discussion: """
            Exit 0 if every user of the list is known to have left, 1 if not. The summary at the end is made to \
            be filed.
            """,
        options: [
            .config, .json,
            .value("--file", "FILE", isRequired: true, help: "JSON lines with a jobId each; - is standard input"),
            .flag("--summary", help: "only the summary"),
        ], action: .withSettings { try await ReconcileCommand(context: $0).run() })
}

/// `reconcile`.
struct ReconcileCommand: ConfiguredCommand {
    let context: CommandContext

    func run() async throws -> ExitStatus {
        guard let file = arguments.value("--file") else { throw arguments.error("--file is missing") }
        let ids = try read(try InputFile.read(file))
        let waiting = await waitingOnBroker()
        let isBrief = arguments.isSet("--summary")
        var counts: [Reconciliation.Status: Int] = [:]
        var done = 0
        var progress = ProgressBar(title: "reconciling", total: ids.count)
        for start in stride(from: 0, to: ids.count, by: ReconcileRequest.mostJobs) {
            let page = ids[start..<min(start + ReconcileRequest.mostJobs, ids.count)]
            let answer = try await ledger.perform(ReconcileRequest(Array(page)))
            var text = ""
            for entry in answer.jobs {
                let job = Reconciliation(entry, waitingOnBroker: waiting)
                counts[job.status, default: 0] += 1
                guard !isBrief else { continue }
                text += isJSON ? String(decoding: job.json.encoded(), as: UTF8.self) + "\n" : Self.line(job)
            }
            if StandardStream.output.isTerminal { progress.hide() }
            guard StandardStream.output.write(text) else { return .done }
            done += page.count
            progress.update(completed: done)
        }
        progress.hide()
        summarise(counts, of: ids.count, file: file)
        let isSettled = counts[.left, default: 0] == ids.count
        return isSettled ? .done : .answeredNo
    }

    private static func line(_ job: Reconciliation) -> String {
        let command = job.command.map { "  → leave-albumd \($0)" } ?? ""
        return DisplayText.printable("\(job.status.rawValue)  \(job.jobID)  \(job.detail)\(command)") + "\n"
    }

    /// A summary that can be filed: what was asked, when, and the numbers.
    private func summarise(_ counts: [Reconciliation.Status: Int], of total: Int, file: String) {
        let now = SystemTimeSource().wall().rfc3339
        if isJSON {
            var members: [JSONValue.Member] = [
                .init("at", .text(now)), .init("file", .text(file)), .init("jobs", .integer(Int64(total))),
            ]
            for status in Reconciliation.Status.allCases {
                members.append(.init(status.rawValue, .integer(Int64(counts[status] ?? 0))))
            }
            StandardStream.output.write(json: .object([.init("summary", .object(members))]))
            return
        }
        var sheet = FactSheet()
        sheet.add("list", "\(file), \(total) jobs, at \(now)")
        for status in Reconciliation.Status.allCases {
            guard let count = counts[status] else { continue }
            sheet.add(status.rawValue, count)
        }
        StandardStream.output.write("\n" + sheet.rendered())
    }

    /// The lines that were published, or anything with a jobId. Each job once, in the order of the list.
    private func read(_ text: [UInt8]) throws -> [JobID] {
        var ids: [JobID] = []
        var seen: Set<JobID> = []
        for (index, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let bytes = Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
            guard bytes.contains(where: { $0 > 0x20 }) else { continue }
            let members = JSONMembers(bytes, naming: ["jobId"])
            guard members.isObject, let id = members["jobId"]?.utf8.flatMap(JobID.init(checking:)) else {
                throw CommandFailure(.badInput, "line \(index + 1): there is no jobId; a line is {\"jobId\": \"…\"}")
            }
            if seen.insert(id).inserted { ids.append(id) }
        }
        return ids
    }

    /// Nil where no daemon can say.
    private func waitingOnBroker() async -> Int? {
        guard let answer = try? await askDaemon(QueuesRequest()) else { return nil }
        return answer.queues.filter { settings.isBacklog($0.name) }.reduce(0) { $0 + ($1.messages ?? 0) }
    }
}
