import Clocks
import Concurrency
import Daemon
import Glibc
import JSON
import Jobs
import Ledger
import Operations
import SQLiteLedger
import Settings
import Terminal

extension Commands {
    static let ledger = Command(
        "ledger", summary: "The memory of every job. Goes through a running daemon, else opens file or database",
        commands: [
            declareLedger, migrateLedger,
            Command(
                "stats", summary: "How much it holds and owes", options: [.config, .json],
                action: .withSettings { try await LedgerCommand(context: $0).statistics() }),
            Command(
                "members", summary: "The daemons that share the ledger, and what each does", options: [.config, .json],
                action: .withSettings { try await LedgerCommand(context: $0).members() }),
            Command(
                "prune", summary: "Removes jobs that ended long ago and owe nothing",
                options: [
                    .config, .json,
                    .value("--older", "DURATION", help: "30d; default: ledger.retention. A jobId is free again then"),
                ], action: .withSettings { try await LedgerCommand(context: $0).prune() }),
            Command(
                "verify", summary: "Checks the whole ledger. Seconds for millions of jobs", options: [.config, .json],
                action: .withSettings { try await LedgerCommand(context: $0).verify() }),
            Command(
                "forget", summary: "Removes everything about a job or an account",
                options: [.config, .json, .account("all ended jobs of this account")],
                positionals: [PositionalSpecification("ID", .optional, help: "the job's id")],
                action: .withSettings { try await LedgerCommand(context: $0).forget() }),
            Command(
                "backup", summary: "Copies the ledger into a file while jobs go on, and checks the copy",
                options: [.config, .json],
                positionals: [
                    PositionalSpecification("FILE", help: "the copy, replaced when it is whole; - is standard output")
                ], action: .withSettings { try await LedgerCommand(context: $0).backUp() }),
            Command(
                "restore", summary: "Puts a backup in the ledger's place. The daemon must be stopped",
                options: [.config, .json],
                positionals: [PositionalSpecification("FILE", help: "the backup")],
                action: .withSettings { try LedgerCommand(context: $0).restore() }),
        ])
}

/// `ledger …`.
struct LedgerCommand: ConfiguredCommand {
    let context: CommandContext

    func statistics() async throws -> ExitStatus {
        let answer = try await ledger.perform(LedgerStatisticsRequest())
        show(answer, Self.text(answer))
        return .done
    }

    static func text(_ answer: LedgerStatisticsRequest.Answer) -> String {
        let statistics = answer.statistics
        let about = statistics.isEstimated ? "about " : ""
        var sheet = FactSheet()
        switch answer.kind {
        case .sqlite: sheet.add("ledger", answer.place)
        case .postgresql: sheet.add("ledger", "PostgreSQL, \(answer.place)")
        }
        sheet.add("jobs", "\(about)\(statistics.entries)")
        sheet.add("open", "\(about)\(statistics.open)")
        sheet.add("ambiguous", "\(about)\(statistics.ambiguous)")
        sheet.add("results owed", statistics.unpublished)
        sheet.add("letters owed", statistics.unpublishedDeadLetters)
        sheet.add("overdue copies", statistics.overdue)
        sheet.add("size", ByteCount.text(Int64(statistics.bytes)))
        sheet.add("disk free", statistics.diskFreeBytes.map { ByteCount.text(Int64($0)) })
        sheet.add("made", statistics.createdAt?.rfc3339)
        switch answer.kind {
        case .sqlite: sheet.add("last backup", statistics.lastBackupAt?.rfc3339 ?? "never")
        case .postgresql: sheet.add("backups", "the database's own")
        }
        return sheet.rendered()
    }

    func members() async throws -> ExitStatus {
        let answer = try await ledger.perform(LedgerMembersRequest())
        show(answer, Self.text(answer.members))
        return .done
    }

    static func text(_ members: [DaemonStatus.Member]) -> String {
        guard !members.isEmpty else { return "no members: the ledger is one daemon's file, or nobody has joined yet\n" }
        var table = Table([
            .init("NAME"), .init("EPOCH", .right), .init("STATE"), .init("SEEN"), .init("LAG", .right), .init("WORKER"),
            .init("IN HAND", .right), .init("CALLS", .right), .init("PER MINUTE", .right), .init("VERSION"),
            .init("SCHEMA"), .init("SETTINGS"), .init("HOLDS", mayShrink: true),
        ])
        for member in members {
            table.append([
                member.name, "\(member.epoch)", member.state.rawValue + (member.isPaused ? ", paused" : ""),
                member.seenAt.rfc3339,
                member.state.isLive ? "\(member.lag.components.seconds) s" : "-", member.report?.worker ?? "-",
                member.report.map { "\($0.inFlight)" } ?? "-",
                member.report.map { "\($0.callsInFlight)" } ?? "-",
                member.report.map { "\(Int($0.perMinute.rounded()))" } ?? "-", member.version,
                member.schema.map(Self.text) ?? "-", member.settings,
                member.report?.holds.joined(separator: ", ") ?? "",
            ])
        }
        return table.rendered(width: StandardStream.output.columns)
    }

    private static func text(_ versions: ClosedRange<Int>) -> String {
        versions.count == 1 ? "\(versions.upperBound)" : "\(versions.lowerBound) to \(versions.upperBound)"
    }

    func prune() async throws -> ExitStatus {
        var age = settings.ledger.retention
        if let text = arguments.value("--older") {
            guard let given = Duration(settingText: text) else {
                throw arguments.error("--older takes a duration like 30d, not \(text)")
            }
            age = given
        }
        let answer = try await ledger.perform(LedgerPruneRequest(olderThan: age))
        show(answer, "removed \(answer.pruned) jobs that ended over \(age.settingText) ago\n")
        return .done
    }

    func verify() async throws -> ExitStatus {
        let answer = try await ledger.perform(LedgerVerifyRequest())
        show(answer, answer.faults.isEmpty ? "the ledger is whole\n" : answer.faults.map { $0 + "\n" }.joined())
        return answer.faults.isEmpty ? .done : .answeredNo
    }

    func forget() async throws -> ExitStatus {
        let request: LedgerForgetRequest
        switch (arguments.positionals.first, arguments.value("--account")) {
        case (let id?, nil): request = .job(JobID(id))
        case (nil, let account?): request = .account(AccountID(account))
        default: throw arguments.error("give either a job's ID or --account")
        }
        let answer = try await ledger.perform(request)
        var text = "forgot \(answer.forgotten) jobs\n"
        if answer.needed > 0 {
            text += "\(answer.needed) jobs stay: they are open, or the broker does not have their result yet\n"
        }
        show(answer, text)
        return answer.needed == 0 ? .done : .answeredNo
    }

    func backUp() async throws -> ExitStatus {
        let own = [arguments.configuration] + settings.vitalFiles
        let database = try settings.database()
        switch try OutputTarget(arguments.positionals[0], sparing: own) {
        case .standardOutput:
            try requireFile("name a file, which is read afterwards")
            return try await streamBackup()
        case .file(let path):
            if let database { return try await DatabaseBackup(context: context).run(database, to: path) }
            let answer = try await ledger.perform(LedgerBackupRequest(file: Self.absolute(path)))
            show(answer, "copied the ledger to \(answer.file)\n")
            return .done
        }
    }

    /// The copy lies beside the ledger while it is made, where the daemon may write, and goes from there to standard
    /// output.
    private func streamBackup() async throws -> ExitStatus {
        let path = Self.absolute(settings.ledger.path)
        let directory = LedgerDisk.directory(of: path)
        // Else a copy would be made that this user can neither read nor remove.
        guard access(path, R_OK) == 0, access(directory, W_OK | X_OK) == 0 else {
            throw CommandFailure(
                errno == ENOENT ? .answeredNo : .noPermission,
                SystemCallError("reading \(path) and writing beside it", code: errno).description)
        }
        // Always the same name: what an interruption leaves is replaced by the next copy.
        let copy = "\(path).copy"
        _ = try await ledger.perform(LedgerBackupRequest(file: copy))
        if try InputFile.move(copy, to: .output) {
            StandardStream.error.write("copied the ledger to standard output\n")
        }
        return .done
    }

    /// Throws where the ledger is a database. `instead`: what is done there.
    private func requireFile(_ instead: String) throws(CommandFailure) {
        guard settings.ledger.url != nil else { return }
        throw CommandFailure(.settingsWrong, "the ledger is a database (ledger.url), and no file: \(instead)")
    }

    func restore() throws -> ExitStatus {
        try requireFile("it is restored by the database's own means")
        let path = settings.ledger.path
        do throws(LedgerError) {
            guard let lock = try LedgerLock.take(ledger: path) else {
                let holder = LedgerLock.holder(ledger: path)
                throw .unavailable("process \(holder) has ledger \(path): stop the daemon first")
            }
            let kept = try LedgerBackup.restore(
                Self.absolute(arguments.positionals[0]), to: path, lock: lock, at: SystemTimeSource().wall())
            show(
                JSONValue.object([.init("restored", .text(path))] + (kept.map { [.init("kept", .text($0))] } ?? [])),
                "restored \(path)\n" + (kept.map { "the ledger that was there is kept as \($0)\n" } ?? ""))
            return .done
        } catch {
            switch error {
            case .unavailable, .closed: throw CommandFailure(.tryAgainLater, error.description)
            case .unusable: throw CommandFailure(.badInput, error.description)
            }
        }
    }

    /// The daemon has a working directory of its own.
    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        return String(cString: directory) + "/" + path
    }
}
