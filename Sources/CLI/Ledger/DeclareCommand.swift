import Concurrency
import Daemon
import JSON
import Ledger
import Operations
import PostgresLedger
import Settings
import Terminal

extension Commands {
    static let declareLedger = Command(
        "declare", summary: "Makes the tables of a shared ledger, or brings them up to this version",
        discussion: """
            The daemon alters no table, so that its role needs no right to. Whoever declares owns them: another role, \
            which --url names, with the rights to make a schema. With --worker-role that role may read and write. \
            The daemons' role is given its settings in this database, but for those that it has a value of; what \
            whoever declares may not give is printed for an administrator. Running it again changes nothing. Daemons work \
            on meanwhile, also those of the version before: what only they need stays until --contract, which is refused \
            while one of them works.
            """,
        options: [
            .config, .json,
            .value("--url", "URL", help: "as whom (default: ledger.url, which then owns the tables)"),
            .value("--password-file", "FILE", help: "of the user in --url"),
            .value("--worker-role", "NAME", help: "the role that the daemons log in as, which may then work"),
            .flag("--contract", help: "also removes what only daemons of older versions need"),
        ], action: .withSettings { try await DeclareCommand(context: $0).run() })
}

/// `ledger declare`.
struct DeclareCommand: ConfiguredCommand {
    let context: CommandContext

    func run() async throws -> ExitStatus {
        let configuration = try database()
        let role = arguments.value("--worker-role")
        let worksItself = arguments.value("--url") == nil
        let contracts = arguments.isSet("--contract")
        let result = await NativeThread.offload("declare") { () -> Result<PostgresDeclaration.Outcome, LedgerError> in
            do throws(LedgerError) {
                return .success(
                    try PostgresDeclaration.declare(
                        configuration, workerRole: role, worksItself: worksItself, contracts: contracts,
                        program: WorkerDaemon.program))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let outcome): show(outcome)
        case .failure(let error): throw CommandFailure(ControlFault(error))
        }
        return .done
    }

    private func show(_ outcome: PostgresDeclaration.Outcome) {
        if isJSON {
            var members: [JSONValue.Member] = [
                .init("ledger", .text(outcome.place)), .init("version", .integer(Int64(outcome.version))),
            ]
            if let before = outcome.versionBefore { members.append(.init("versionBefore", .integer(Int64(before)))) }
            if let left = outcome.contraction {
                members.append(.init("contractsTo", .integer(Int64(left.version))))
                members.append(.init("contractsFor", .integer(Int64(left.oldest))))
            }
            if let role = outcome.grantedTo { members.append(.init("grantedTo", .text(role))) }
            if let grants = outcome.grantsStatistics { members.append(.init("grantsStatistics", .bool(grants))) }
            if let settings = outcome.settings {
                members.append(.init("settingsMade", .array(settings.made.map { .text($0.rawValue) })))
                members.append(.init("settingsRefused", .array(settings.refused.map { .text($0) })))
            }
            StandardStream.output.write(json: .object(members))
            return
        }
        StandardStream.output.write(Self.text(outcome))
    }

    static func text(_ outcome: PostgresDeclaration.Outcome) -> String {
        var text =
            switch outcome.versionBefore {
            case nil: "made the ledger's schema, version \(outcome.version), in \(outcome.place)\n"
            case outcome.version?:
                "the ledger's schema in \(outcome.place) has version \(outcome.version) already\n"
            case let before?:
                "brought the ledger's schema in \(outcome.place) from version \(before) to \(outcome.version)\n"
            }
        if let left = outcome.contraction {
            text +=
                "version \(left.version) removes what only daemons need that do not know version \(left.oldest): run it "
                + "again with --contract when none of them works any more (`leave-albumd ledger members`)\n"
        }
        if let role = outcome.grantedTo { text += "role \(role) may work with it\n" }
        if let settings = outcome.settings {
            if !settings.made.isEmpty {
                let list = settings.made.map { "\($0.rawValue) = \($0.wanted)" }.joined(separator: ", ")
                text += "set for role \(settings.role) in this database: \(list)\n"
            }
            if !settings.refused.isEmpty {
                text += "to be run by an administrator of the database, for whoever declared may not:\n"
                for statement in settings.refused { text += "    \(statement);\n" }
            }
        }
        if outcome.grantsStatistics == false {
            text +=
                "that role cannot see whether a standby is synchronous, nor others' transactions, and no alert comes of "
                + "either: a superuser may grant it pg_read_all_stats\n"
        }
        return text
    }

    private func database() throws -> PostgresConfiguration {
        let file = arguments.value("--password-file").map { SecretFile(key: "--password-file", path: $0) }
        if let url = arguments.value("--url") { return try settings.database(url, passwordFile: file) }
        guard file == nil else { throw arguments.error("--password-file goes with --url") }
        guard let configuration = try settings.database() else {
            throw CommandFailure(
                .settingsWrong, "the ledger is a file (ledger.path): set ledger.url, or give --url")
        }
        return configuration
    }
}
