import AMQP
import Clocks
import Daemon
import Glibc
import JSON
import Jobs
import Messages
import Operations
import Settings
import Terminal

/// `dead list`, `show`, `redrive`, `discard`, `stats`.
struct DeadCommand: ConfiguredCommand {
    let context: CommandContext

    /// Generation from which a dead letter is pointed out: a person should look at the job itself.
    private static let manyRedrives = 3

    private func openQueue() async throws -> DeadLetterQueue {
        try await BrokerProbe.connect(settings)
        let link = try settings.link("dead", asOperator: true)
        return DeadLetterQueue(link, prefix: settings.broker.prefix, outbox: try PublishingLink(link) { _ in })
    }

    private func filter() throws -> DeadLetterFilter {
        var filter = DeadLetterFilter(reasons: arguments.values("--reason"))
        filter.account = arguments.value("--account").map { AccountID($0) }
        filter.jobIDs = arguments.values("--job").map { JobID($0) }
        if let text = arguments.value("--older") {
            guard let age = Duration(settingText: text) else {
                throw arguments.error("--older takes a duration like 2h, not \(text)")
            }
            filter.before = SystemTimeSource().wall() - age
        }
        return filter
    }

    private func limit() throws -> Int { try arguments.integer("--limit", in: 1...Int.max) ?? .max }

    // MARK: Looking

    func list() async throws -> ExitStatus {
        let (filter, limit) = (try filter(), try limit())
        var table = Table([
            .init("DEAD SINCE"), .init("REASON"), .init("JOB"), .init("ACCOUNT"), .init("REDRIVEN", .right),
            .init("DETAIL", mayShrink: true),
        ])
        var shown = 0
        let browse = try await openQueue().browse(all: false) { deadLetter in
            guard filter.matches(deadLetter) else { return .keep }
            shown += 1
            if isJSON {
                StandardStream.output.write(json: deadLetter.json)
            } else {
                table.append([
                    deadLetter.deadAt?.rfc3339 ?? "-", deadLetter.reason, deadLetter.jobID?.string ?? "-",
                    deadLetter.account?.string ?? "-", Self.redrives(deadLetter), deadLetter.detail ?? "",
                ])
            }
            return shown < limit ? .keep : .stop
        }
        if !isJSON, !table.isEmpty { StandardStream.output.write(table.rendered(width: StandardStream.output.columns)) }
        if browse.seen < browse.total, shown < limit {
            StandardStream.error.write("the first \(browse.seen) of \(browse.total) letters were looked at\n")
        } else if shown == 0 {
            StandardStream.error.write(
                browse.total == 0 ? "there are no dead letters\n" : "none of \(browse.total) dead letters matches\n")
        }
        return .done
    }

    private static func redrives(_ deadLetter: DeadLetter) -> String {
        switch deadLetter.generation {
        case 0: ""
        case ..<manyRedrives: "\(deadLetter.generation)"
        default: "\(deadLetter.generation)!"
        }
    }

    func show() async throws -> ExitStatus {
        let id = JobID(arguments.positionals[0])
        var found: [DeadLetter] = []
        _ = try await openQueue().browse(all: true) { deadLetter in
            if deadLetter.jobID == id { found.append(deadLetter) }
            return .keep
        }
        guard !found.isEmpty else { throw CommandFailure(.answeredNo, "no dead letter is of job \(id)") }
        let history = try await history(of: id)
        let now = SystemTimeSource().wall()
        for deadLetter in found {
            let plan = RedrivePlan(deadLetter, history: history, at: now)
            if isJSON {
                StandardStream.output.write(json: deadLetter.json)
                continue
            }
            var sheet = FactSheet()
            sheet.add("job", deadLetter.jobID?.string)
            sheet.add("account", deadLetter.account?.string)
            sheet.add("reason", deadLetter.reason)
            sheet.add("detail", deadLetter.detail)
            sheet.add("dead since", deadLetter.deadAt?.rfc3339)
            sheet.add("deadline", Self.deadline(of: deadLetter, at: now))
            sheet.add("generation", deadLetter.generation)
            sheet.add("attempts spent", deadLetter.attempts)
            if deadLetter.isAmbiguous { sheet.add("ambiguous", "a call may have reached the API without an answer") }
            if let status = deadLetter.httpStatus {
                sheet.add("the API said", "\(status) \(deadLetter.apiStatus ?? "")")
            }
            if deadLetter.generation >= Self.manyRedrives {
                sheet.add("redriven", "\(deadLetter.generation) times without success: look at the job itself")
            }
            sheet.add("a redrive", plan.message)
            StandardStream.output.write(sheet.rendered())
        }
        return .done
    }

    private static func deadline(of deadLetter: DeadLetter, at now: Timestamp) -> String? {
        let given = deadLetter.headers.deadline == nil ? "" : ", as an operator gave it"
        guard let deadline = deadLetter.deadline else { return given.isEmpty ? nil : "none\(given)" }
        return deadline.rfc3339 + (deadline < now ? ", which has passed" : "") + given
    }

    func stats() async throws -> ExitStatus {
        struct Group {
            var count = 0
            var oldest: Timestamp?
            var redriven = 0
        }
        var groups: [String: Group] = [:]
        var progress = ProgressBar(title: "letters", total: nil)
        var seen = 0
        let browse = try await openQueue().browse(all: true) { deadLetter in
            var group = groups[deadLetter.reason] ?? Group()
            group.count += 1
            if deadLetter.generation >= Self.manyRedrives { group.redriven += 1 }
            group.oldest = [group.oldest, deadLetter.deadAt].compactMap { $0 }.min()
            groups[deadLetter.reason] = group
            seen += 1
            progress.update(completed: seen)
            return .keep
        }
        progress.hide()
        let sorted = groups.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
        guard !isJSON else {
            StandardStream.output.write(
                json: .object([
                    .init("letters", .integer(Int64(browse.total))),
                    .init(
                        "reasons",
                        .array(
                            sorted.map { name, group in
                                .object(
                                    [.init("reason", .text(name)), .init("count", .integer(Int64(group.count)))]
                                        + (group.oldest.map { [.init("oldest", .text($0.rfc3339))] } ?? []))
                            })),
                ]))
            return .done
        }
        var table = Table([
            .init("REASON"), .init("LETTERS", .right), .init("OLDEST"), .init("REDRIVEN THRICE", .right),
            .init("WHO CAN ACT"),
        ])
        for (name, group) in sorted {
            table.append([
                name, "\(group.count)", group.oldest?.rfc3339 ?? "-", group.redriven == 0 ? "" : "\(group.redriven)",
                Reason(rawValue: name)?.next.rawValue ?? "-",
            ])
        }
        StandardStream.output.write(table.rendered(width: StandardStream.output.columns))
        return .done
    }

    // MARK: Settling

    func redrive() async throws -> ExitStatus {
        let (filter, limit) = (try filter(), try limit())
        let isDry = arguments.isSet("--dry-run")
        try demandWord(filter, isDry: isDry)
        let deadline = try newDeadline()
        let pause = try arguments.integer("--rate", in: 1...10_000).map { Duration.seconds(1) / $0 }
        let queue = try await openQueue()
        var progress = ProgressBar(title: isDry ? "looking" : "redriving", total: nil)
        var (done, skipped, outOfDate) = (0, 0, 0)
        _ = try await queue.browse(all: true) { deadLetter in
            guard filter.matches(deadLetter) else { return .keep }
            let plan = RedrivePlan(
                deadLetter, deadline: deadline,
                history: try await deadLetter.jobID.asyncFlatMap { try await history(of: $0) },
                at: SystemTimeSource().wall())
            guard case .run(let generation, _) = plan else {
                progress.hide()
                show(deadLetter, plan, isDone: false)
                if case .newer = plan {
                    outOfDate += 1
                    return isDry ? .keep : .remove
                }
                skipped += 1
                return .keep
            }
            if !isDry {
                // Written before it is done: no job runs again without somebody's name to it.
                let given = deadline.map { ", with deadline \($0.text)" } ?? ""
                try await note(deadLetter, "redriven", "as generation \(generation)\(given) by \(Self.operator)")
                try await queue.redrive(deadLetter, generation: generation, deadline: deadline)
                if let pause { await SystemTimeSource().sleep(for: pause) }
            }
            done += 1
            if isDry || isJSON {
                progress.hide()
                show(deadLetter, plan, isDone: !isDry)
            }
            progress.update(completed: done)
            if deadLetter.generation >= Self.manyRedrives {
                progress.hide()
                StandardStream.error.write(
                    "job \(deadLetter.jobID?.string ?? "-") was redriven \(deadLetter.generation) times without success\n"
                )
            }
            if isDry { return done < limit ? .keep : .stop }
            return .remove
        } until: {
            // What is done to the rest would be in no record.
            done >= limit || StandardStream.hasLostOutput
        }
        progress.hide()
        StandardStream.error.write(
            isDry
                ? "\(done) would run again, \(skipped) would stay, \(outOfDate) are out of date\n"
                : "\(done) run again, \(skipped) stay, \(outOfDate) were out of date; follow them with "
                    + "`leave-albumd results`\n")
        return skipped > 0 && done == 0 ? .answeredNo : .done
    }

    func discard() async throws -> ExitStatus {
        let (filter, limit) = (try filter(), try limit())
        let isDry = arguments.isSet("--dry-run")
        try demandWord(filter, isDry: isDry)
        var progress = ProgressBar(title: "discarding", total: nil)
        var done = 0
        _ = try await openQueue().browse(all: true) { deadLetter in
            guard filter.matches(deadLetter) else { return .keep }
            done += 1
            if isDry || isJSON {
                progress.hide()
                StandardStream.output.write(
                    isJSON
                        ? String(decoding: deadLetter.json.encoded(), as: UTF8.self) + "\n"
                        : "\(deadLetter.jobID?.string ?? "-")  \(deadLetter.reason)\n")
            }
            progress.update(completed: done)
            if isDry { return done < limit ? .keep : .stop }
            try await note(deadLetter, "discarded", "its dead letter, by \(Self.operator)")
            return .remove
        } until: {
            // What is done to the rest would be in no record.
            done >= limit || StandardStream.hasLostOutput
        }
        progress.hide()
        StandardStream.error.write(isDry ? "\(done) would be discarded\n" : "\(done) discarded\n")
        return .done
    }

    /// What the jobs are given in the place of their own; nil: each keeps what it has.
    private func newDeadline() throws -> NewDeadline? {
        guard let text = arguments.value("--deadline") else { return nil }
        guard text != NewDeadline.liftedWord else { return .lifted }
        guard let time = Timestamp(rfc3339: text) else {
            throw arguments.error("--deadline takes a time like 2026-11-23T19:50:00Z, or none; not \(text)")
        }
        let now = SystemTimeSource().wall()
        guard time > now else {
            throw arguments.error(
                "--deadline \(text) has passed, it is \(now.rfc3339) now: give a later time, or none")
        }
        return .at(time)
    }

    /// Demands `--all` of a command that would reach every dead letter, so that it cannot happen by accident.
    private func demandWord(_ filter: DeadLetterFilter, isDry: Bool) throws {
        guard filter.isOfAll, !isDry, !arguments.isSet("--all") else { return }
        throw arguments.error("say which letters: --reason, --account, --job, --older, or --all")
    }

    private func show(_ deadLetter: DeadLetter, _ plan: RedrivePlan, isDone: Bool) {
        let id = deadLetter.jobID?.string ?? "-"
        if isJSON {
            var members = deadLetter.json.members ?? []
            members.append(.init("plan", .text(plan.message)))
            members.append(.init("redriven", .bool(isDone)))
            StandardStream.output.write(json: .object(members))
        } else {
            StandardStream.output.write(DisplayText.printable("\(id)  \(deadLetter.reason)  \(plan.message)") + "\n")
        }
    }

    // MARK: The ledger

    private func history(of id: JobID) async throws -> JobHistory? {
        do {
            return try await ledger.perform(JobRequest(id))
        } catch let fault as ControlFault {
            guard case .unknown = fault else { throw fault }
            return nil
        } catch let failure as CommandFailure where failure.status == .answeredNo {
            return nil
        }
    }

    private func note(_ deadLetter: DeadLetter, _ kind: String, _ detail: String) async throws {
        guard let id = deadLetter.jobID, !deadLetter.isRejected else { return }
        _ = try await ledger.perform(JobNoteRequest(id, generation: deadLetter.generation, kind: kind, detail: detail))
    }

    private static var `operator`: String {
        let uid = getuid()
        let name = getpwuid(uid).map { String(cString: $0.pointee.pw_name) } ?? "unknown"
        return "\(name) (uid \(uid))"
    }
}

extension Optional where Wrapped: Sendable {
    fileprivate func asyncFlatMap<Value>(_ body: (Wrapped) async throws -> Value?) async rethrows -> Value? {
        guard let wrapped = self else { return nil }
        return try await body(wrapped)
    }
}
