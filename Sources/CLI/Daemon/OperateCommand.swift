import Clocks
import JSON
import Jobs
import Ledger
import Operations
import Service
import Settings
import Telemetry
import Terminal

extension Commands {
    static let pause = Command(
        "pause", summary: "Lets no call begin until `resume`; the jobs stay in the broker",
        discussion: """
            Where daemons share a ledger, what `pause`, `resume` and `probe` say at one of them is everybody's, for an \
            account too. They answer when all that live have acknowledged it; after 2 s they name who has not, and \
            end with 1. With --instance it is one daemon's, whichever is asked: that one takes no work until it is \
            resumed, nor does the next that is started under its name; the others go on.
            """,
        options: [
            .config, .json, .account("only the jobs of this account"),
            .instance("only this one of the daemons that share the ledger"),
        ],
        action: .withSettings { try await OperateCommand(context: $0).pause() })

    static let resume = Command(
        "resume", summary: "Ends a pause, or lets jobs test whether a hold is over",
        discussion: """
            Nobody but the API can say that a hold of its own is over: jobs that have not failed in it try one \
            after another, at once, and the first success lifts it. What only people know ends by the word: a \
            pause, a queue that is there again.
            """,
        options: [
            .config, .json, .account("the jobs of this account"), .instance("the daemon that was paused alone"),
        ],
        positionals: [
            PositionalSpecification("CAUSE", .optional, help: "as `holds` names it (default: the pause)")
        ], action: .withSettings { try await OperateCommand(context: $0).resume() })

    static let probe = Command(
        "probe", summary: "Lets jobs test the holds now, before their time",
        discussion: """
            A round: jobs that have not failed in the hold, one after another, each of another account where \
            there is one, until one lifts it; at least eight, for 30 s at most. One that fails stands aside at \
            no cost. Exit 1 if no hold is tested by jobs.
            """,
        options: [.config, .json], action: .withSettings { try await OperateCommand(context: $0).probe() })

    static let holds = Command(
        "holds", summary: "Why the worker or an account stands still, since when, and what comes next",
        discussion: """
            TRIED is how many jobs have tested it in vain. Where jobs had ended before the refusal was known to \
            be everybody's, the command that gives them out again stands below. Where daemons share a ledger, what \
            holds another one alone is listed too, as that one said it some seconds ago.
            """,
        options: [.config, .json, .instance("only what holds this one of the daemons that share the ledger")],
        action: .withSettings { try await OperateCommand(context: $0).holds() })

    static let quota = Command(
        "quota", summary: "The day's calls, and when the backlog will be done", options: [.config, .json],
        action: .withSettings { try await OperateCommand(context: $0).quota() })

    static let queues = Command(
        "queues", summary: "How much waits in each queue", options: [.config, .json],
        action: .withSettings { try await OperateCommand(context: $0).queues() })
}

/// `pause`, `resume`, `probe`, `holds`, `quota`, `queues`: they are the running daemon's to answer.
struct OperateCommand: ConfiguredCommand {
    let context: CommandContext

    private var account: AccountID? { arguments.value("--account").map { AccountID($0) } }

    private var instance: String? { arguments.value("--instance") }

    func pause() async throws -> ExitStatus {
        if account != nil, instance != nil { throw arguments.error("give either --account or --instance") }
        let answer = try await askDaemon(PauseRequest(account: account, instance: instance))
        if let instance {
            let name = DisplayText.printable(instance)
            return show(
                answer, answer.cluster, "\(name) takes no work until `leave-albumd resume --instance \(name)`\n")
        }
        return show(
            answer, answer.cluster,
            account == nil
                ? "paused: no call begins until `leave-albumd resume`\n"
                : "the account's jobs wait until it is resumed\n")
    }

    /// What was done here, and who of the others has not acknowledged it.
    private func show(_ answer: some ControlValue, _ cluster: Acknowledgement?, _ text: String) -> ExitStatus {
        show(answer, text + (cluster.map { Self.text($0, of: instance) } ?? ""))
        return cluster.map { $0 == .complete } ?? true ? .done : .answeredNo
    }

    /// `instance`: whose word alone counts.
    static func text(_ cluster: Acknowledgement, of instance: String? = nil) -> String {
        let one = instance.map(DisplayText.printable)
        switch cluster {
        case .complete:
            return one.map { "\($0) has acknowledged it\n" }
                ?? "all daemons that share the ledger have acknowledged it\n"
        case .lacking(let members):
            let names = members.map { "\($0.name) (epoch \($0.epoch))" }.joined(separator: ", ")
            return "not acknowledged within 2 s by \(DisplayText.printable(names)); see `leave-albumd ledger members`\n"
        case .unwritten:
            let others = one.map { "\($0) follows" } ?? "the other daemons follow"
            return "not written to the ledger within 2 s: \(others) when it is\n"
        }
    }

    private static let probing = "jobs test the holds now, one after another; see `leave-albumd holds`\n"

    func resume() async throws -> ExitStatus {
        let cause = arguments.positionals.first
        if instance != nil, account != nil || cause != nil {
            throw arguments.error("give --instance alone, without --account or CAUSE")
        }
        let answer = try await askDaemon(ResumeRequest(account: account, cause: cause, instance: instance))
        return show(answer, answer.cluster, answer.isProbing ? Self.probing : "resumed\n")
    }

    func probe() async throws -> ExitStatus {
        let answer = try await askDaemon(ProbeRequest())
        guard answer.isProbing else {
            show(answer, "no hold is tested by a job\n")
            return .answeredNo
        }
        return show(answer, answer.cluster, Self.probing)
    }

    // MARK: holds

    func holds() async throws -> ExitStatus {
        let answer = try await askDaemon(HoldsRequest(instance: instance))
        show(answer, Self.text(answer))
        return .done
    }

    static func text(_ answer: HoldsRequest.Answer) -> String {
        let others = (answer.members ?? []).filter { !$0.holds.isEmpty }
        guard !answer.holds.isEmpty || !answer.accounts.isEmpty || !others.isEmpty else {
            return "nothing is on hold\n"
        }
        var table = Table([
            .init("WHO"), .init("CAUSE"), .init("SINCE"), .init("NEXT PROBE"), .init("TRIED", .right),
            .init("DETAIL", mayShrink: true),
        ])
        var redrives = ""
        for hold in answer.holds {
            table.append([
                "worker", hold.cause, hold.since.rfc3339, hold.nextProbeAt?.rfc3339 ?? "when its cause ends",
                hold.tried.map { "\($0)" } ?? "", hold.detail,
            ])
            if let redrive = hold.redrive {
                redrives +=
                    "\(hold.ended.count) jobs ended for \(hold.cause) before it was known to be everybody's; "
                    + "once it is over:\n  \(DisplayText.printable(redrive))\n"
            }
        }
        for hold in answer.accounts {
            let isPaused = hold.cause == HoldCause.operatorPaused.rawValue
            table.append([
                hold.account.string, hold.cause, "-",
                hold.until?.rfc3339 ?? (isPaused ? "when it is resumed" : "now"), "",
                (accountText[hold.cause] ?? "") + (hold.detail.map { ": \($0)" } ?? ""),
            ])
        }
        for member in others {
            for cause in member.holds {
                let isPaused = cause == HoldCause.memberPaused.rawValue
                table.append([
                    "\(member.name)#\(member.epoch)", cause, "-", isPaused ? "when it is resumed" : "-", "",
                    isPaused ? "paused alone" : "as that daemon said",
                ])
            }
        }
        return table.rendered(width: StandardStream.output.columns) + redrives
    }

    /// Why an account waits, for who has not read of it.
    private static let accountText = [
        "quota_minute": "over its rate", "concurrent_write": "another write of it is under way",
        "refused": "all its calls are refused, and no other account's was made since; it tries again in rounds",
        "api_unavailable": "its calls fail, and no other account's was made since; it tries again in rounds",
        "operator_paused": "paused",
    ]

    // MARK: quota, queues

    func quota() async throws -> ExitStatus {
        let answer = try await askDaemon(QuotaRequest())
        var sheet = FactSheet()
        sheet.add("day", "\(answer.day), until \(answer.resetsAt.rfc3339)")
        sheet.add("spent", "\(answer.calls) calls, \(answer.albumQueries) probes")
        sheet.add("limit", answer.remaining.map { "\(answer.limit), \($0) left" } ?? "none")
        sheet.add("pace", answer.pace)
        sheet.add("backlog", answer.backlog.map { "\($0) jobs" } ?? "the broker does not answer")
        sheet.add("done", answer.doneAt?.rfc3339 ?? "nobody can say yet")
        show(answer, sheet.rendered())
        return .done
    }

    func queues() async throws -> ExitStatus {
        let answer = try await askDaemon(QueuesRequest())
        var table = Table([.init("QUEUE"), .init("MESSAGES", .right), .init("CONSUMERS", .right)])
        for queue in answer.queues {
            table.append([
                queue.name, queue.messages.map { "\($0)" } ?? "missing", queue.consumers.map { "\($0)" } ?? "-",
            ])
        }
        show(answer, table.rendered(width: StandardStream.output.columns))
        return .done
    }
}
