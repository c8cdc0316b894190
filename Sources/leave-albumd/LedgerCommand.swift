import Glibc
import JSON
import Ledger
import Settings
import Terminal
import Threads

/// `ledger …`.
struct LedgerCommand: Sendable {
    let settings: Settings
    let arguments: ParsedArguments

    init(_ settings: Settings, _ arguments: ParsedArguments) {
        self.settings = settings
        self.arguments = arguments
    }

    func run() async throws -> ExitStatus {
        switch arguments.command.last {
        case "stats": return try await statistics()
        case "prune": return try await prune()
        case "verify": return try await verify()
        case "forget": return try await forget()
        case "backup": return try await backUp()
        default: return try await restore()
        }
    }

    private func ask(_ request: String, _ members: JSONValue.Member...) async throws -> JSONValue {
        try await LedgerDoor(settings: settings).ask(request, .object(members))
    }

    private func show(_ answer: JSONValue, _ text: String) {
        if arguments.isSet("--json") {
            StandardStream.output.write(json: answer)
        } else {
            StandardStream.output.write(text)
        }
    }

    private func statistics() async throws -> ExitStatus {
        let answer = try await ask("ledger.stats")
        func count(_ name: String) -> Int64 { answer[name]?.integer ?? 0 }
        var sheet = FactSheet()
        sheet.add("ledger", answer["path"]?.text)
        sheet.add("jobs", count("entries"))
        sheet.add("open", count("open"))
        sheet.add("ambiguous", count("ambiguous"))
        sheet.add("results owed", count("unpublishedResults"))
        sheet.add("letters owed", count("unpublishedLetters"))
        sheet.add("overdue copies", count("overdue"))
        sheet.add("size", ByteCount.text(count("bytes")))
        sheet.add("disk free", ByteCount.text(count("diskFreeBytes")))
        sheet.add("made", answer["createdAt"]?.text)
        sheet.add("last backup", answer["lastBackupAt"]?.text ?? "never")
        show(answer, sheet.rendered())
        return .done
    }

    private func prune() async throws -> ExitStatus {
        var age = settings.ledger.retention
        if let text = arguments.value("--older") {
            guard let given = Duration(settingText: text) else {
                throw arguments.error("--older takes a duration like 30d, not \(text)")
            }
            age = given
        }
        let answer = try await ask("ledger.prune", .init("olderThanSeconds", .integer(age.components.seconds)))
        show(answer, "removed \(answer["pruned"]?.integer ?? 0) jobs that ended over \(age.settingText) ago\n")
        return .done
    }

    private func verify() async throws -> ExitStatus {
        let answer = try await ask("ledger.verify")
        let faults = (answer["faults"]?.elements ?? []).compactMap(\.text)
        show(answer, faults.isEmpty ? "the ledger is whole\n" : faults.map { $0 + "\n" }.joined())
        return faults.isEmpty ? .done : .answeredNo
    }

    private func forget() async throws -> ExitStatus {
        let subject: JSONValue.Member
        switch (arguments.positionals.first, arguments.value("--account")) {
        case (let id?, nil): subject = .init("jobId", .text(id))
        case (nil, let account?): subject = .init("account", .text(account))
        default: throw arguments.error("give either a job's ID or --account")
        }
        let answer = try await ask("ledger.forget", subject)
        let (forgotten, needed) = (answer["forgotten"]?.integer ?? 0, answer["needed"]?.integer ?? 0)
        var text = "forgot \(forgotten) jobs\n"
        if needed > 0 {
            text += "\(needed) jobs stay: they are open, or the broker does not have their result yet\n"
        }
        show(answer, text)
        return needed == 0 ? .done : .answeredNo
    }

    private func backUp() async throws -> ExitStatus {
        let own = [arguments.value("--config") ?? Commands.defaultConfig] + settings.vitalFiles
        switch try OutputTarget(arguments.positionals[0], sparing: own) {
        case .standardOutput: return try await streamBackup()
        case .file(let path):
            let answer = try await ask("ledger.backup", .init("file", .text(Self.absolute(path))))
            show(answer, "copied the ledger to \(answer["file"]?.text ?? "")\n")
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
        _ = try await ask("ledger.backup", .init("file", .text(copy)))
        if try InputFile.move(copy, to: .output) {
            StandardStream.error.write("copied the ledger to standard output\n")
        }
        return .done
    }

    private func restore() async throws -> ExitStatus {
        let path = settings.ledger.path
        do throws(LedgerError) {
            guard let lock = try LedgerLock.take(ledger: path) else {
                let holder = LedgerLock.holder(ledger: path)
                throw .unavailable("process \(holder) has ledger \(path): stop the daemon first")
            }
            let kept = try LedgerBackup.restore(
                Self.absolute(arguments.positionals[0]), to: path, lock: lock, at: SystemTimekeeper().wall())
            show(
                .object([.init("restored", .text(path))] + (kept.map { [.init("kept", .text($0))] } ?? [])),
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
    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        return String(cString: directory) + "/" + path
    }
}
