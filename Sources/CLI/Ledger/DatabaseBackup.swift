import Daemon
import JSON
import Ledger
import Operations
import PostgresLedger
import Terminal

/// `ledger backup` of a database: into a file, for `ledger restore` of a daemon that is to have one. The command reads the
/// database itself, so that no daemon's reader is busy with it.
struct DatabaseBackup: ConfiguredCommand {
    let context: CommandContext

    func run(_ database: PostgresConfiguration, to path: String) async throws -> ExitStatus {
        let counts = try await MoveDisplay.during { display throws(LedgerError) in
            try LedgerMigration.copyDatabase(
                database, to: path, program: WorkerDaemon.program, onStep: display.show)
        }
        guard isJSON else {
            StandardStream.output.write("copied the ledger, \(counts.jobs) jobs, to \(path)\n")
            return .done
        }
        StandardStream.output.write(
            json: .object([.init("file", .text(path)), .init("jobs", .integer(Int64(counts.jobs)))]))
        return .done
    }
}
