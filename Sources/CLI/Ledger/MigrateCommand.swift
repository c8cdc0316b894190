import Daemon
import JSON
import Ledger
import Operations
import PostgresLedger
import Settings
import Terminal

extension Commands {
    static let migrateLedger = Command(
        "migrate", summary: "Moves the ledger into a database, or out of one into a file. Daemons must be stopped",
        discussion: """
            Copies all of the ledger of the settings, compares every job, and only then gives the old one up: whoever \
            is started on that is refused, and told where the ledger is. After an interruption the same command goes \
            on where it stood. The settings are changed by hand, after it: ledger.url in place of ledger.path, or the \
            other way round.
            """,
        options: [
            .config, .json,
            .value("--to", "PLACE", help: "postgresql://… with an empty ledger (`ledger declare`), or a file's path"),
            .value("--password-file", "FILE", help: "of the user in the URL of --to"),
            .flag("--anew", help: "throws away what an interrupted move has copied, and begins again"),
        ], action: .withSettings { try await MigrateCommand(context: $0).run() })
}

/// `ledger migrate`.
struct MigrateCommand: ConfiguredCommand {
    let context: CommandContext

    func run() async throws -> ExitStatus {
        guard let place = arguments.value("--to") else { throw arguments.error("--to is missing: where to?") }
        let isDatabase = ["postgresql://", "postgres://"].contains { place.hasPrefix($0) }
        let outcome = isDatabase ? try await moveFile(to: place) : try await moveDatabase(to: place)
        show(outcome, isDatabase)
        return .done
    }

    private func moveFile(to url: String) async throws -> LedgerMigration.Outcome {
        guard settings.ledger.url == nil else {
            throw CommandFailure(
                .settingsWrong, "the ledger is a database already (ledger.url): --to takes a file's path")
        }
        let file = arguments.value("--password-file").map { SecretFile(key: "--password-file", path: $0) }
        let database = try settings.database(url, passwordFile: file)
        let (path, durations, anew) = (settings.ledger.path, settings.leaseDurations, arguments.isSet("--anew"))
        return try await MoveDisplay.during { display throws(LedgerError) in
            try LedgerMigration.moveFile(
                path, to: database, durations: durations, program: WorkerDaemon.program, beginsAnew: anew,
                onStep: display.show)
        }
    }

    private func moveDatabase(to path: String) async throws -> LedgerMigration.Outcome {
        guard let database = try settings.database() else {
            throw CommandFailure(
                .settingsWrong, "the ledger is a file already (ledger.path): --to takes a URL, postgresql://…")
        }
        guard arguments.value("--password-file") == nil else {
            throw arguments.error("--password-file goes with a URL; the ledger's own is in the settings")
        }
        let (path, anew) = (LedgerCommand.absolute(path), arguments.isSet("--anew"))
        return try await MoveDisplay.during { display throws(LedgerError) in
            try LedgerMigration.moveDatabase(
                database, to: path, program: WorkerDaemon.program, beginsAnew: anew, onWait: MoveDisplay.showWait,
                onStep: display.show)
        }
    }

    // MARK: What is said at the end

    private func show(_ outcome: LedgerMigration.Outcome, _ isDatabase: Bool) {
        guard isJSON else { return _ = StandardStream.output.write(Self.text(outcome, isDatabase)) }
        var members: [JSONValue.Member] = [.init("from", .text(outcome.from)), .init("to", .text(outcome.to))]
        switch outcome.outcome {
        case .moved(let counts):
            members.append(.init("jobs", .integer(Int64(counts.jobs))))
            members.append(.init("results", .integer(Int64(counts.results))))
            members.append(.init("lines", .integer(Int64(counts.lines))))
        case .finished, .wasDone: break
        }
        members.append(.init("notMoved", .array(outcome.notMoved.map { .text($0) })))
        StandardStream.output.write(json: .object(members))
    }

    static func text(_ outcome: LedgerMigration.Outcome, _ isDatabase: Bool) -> String {
        var text =
            switch outcome.outcome {
            case .moved(let counts):
                "moved \(counts.jobs) jobs, \(counts.results) results and \(counts.lines) lines of histories from "
                    + "\(outcome.from) to \(outcome.to), and compared them\n"
            case .finished: "moved \(outcome.from) to \(outcome.to): all had been copied and compared before\n"
            case .wasDone: "\(outcome.from) was moved to \(outcome.to) before\n"
            }
        for part in outcome.notMoved { text += "stays behind, for a file has no place for it: \(part)\n" }
        text +=
            isDatabase
            ? "now give the daemon ledger.url, without ledger.path, and start it\n"
            : "now give the daemon ledger.path, without ledger.url, and start one\n"
        return text
    }
}
