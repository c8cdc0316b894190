import Clocks
import Concurrency
import Daemon
import Glibc
import HTTP
import Ledger
import Operations
import PostgresLedger
import SQLiteLedger
import Settings
import Terminal

extension Commands {
    static let bundle = Command(
        "bundle", summary: "Collects a support archive without secrets, whatever is down",
        discussion: """
            A gzipped tar, readable for its owner alone, with a MANIFEST that says what is in it and what could \
            not be had. No tokens, keys, passwords, jobs, results or messages; accounts are hashed. Prints the \
            archive's name. Run it as root, or as a user who may read the settings and the journal.
            """,
        options: [
            .config,
            .value("--lines", "N", help: "of the journal (default 2000)"),
            .value("--unit", "UNIT", help: "whose journal and state (default leave-albumd.service)"),
        ],
        positionals: [
            PositionalSpecification(
                "FILE", .optional,
                help: "the archive; - is standard output (default: a name with the time, in this directory)")
        ], action: .withoutSettings { try await BundleCommand(arguments: $0).run() })
}

/// `bundle`: everything that helps somebody else to understand this daemon, and nothing secret. It works whatever is
/// down: the daemon, the broker, the settings.
struct BundleCommand: Sendable {
    let arguments: ParsedArguments

    /// Processes at a time: they wait for others most of theirs.
    private static let atOnce = 4
    private static let defaultLines = 2_000
    private static let mostLines = 100_000
    private static let defaultUnit = "leave-albumd.service"

    func run() async throws -> ExitStatus {
        let config = arguments.configuration
        let lines = try arguments.integer("--lines", in: 0...Self.mostLines) ?? Self.defaultLines
        let unit = arguments.value("--unit") ?? Self.defaultUnit
        guard !unit.hasPrefix("-") else { throw arguments.error("--unit takes the name of a unit, not \(unit)") }
        let now = SystemTimeSource().wall().rfc3339
        let name = arguments.positionals.first ?? "leave-albumd-bundle-\(now.filter { $0 != ":" }).tar.gz"
        let (settings, faults) = load(config)
        // Refused before anything is asked: collecting takes a while.
        let target = try OutputTarget(name, sparing: [config] + (settings?.vitalFiles ?? []))
        let scrubber = Scrubber(
            secrets: settings?.secretContents() ?? [], accounts: settings?.namedAccounts() ?? [])
        var items = [described(settings, faults, config, scrubber)]
        if let settings { items += [await schema(settings), await metrics(settings, scrubber)] }
        items += await collect(BundlePart.all(config: config, unit: unit, lines: lines), scrubber)

        let archive = SupportArchive(origin: "leave-albumd \(Commands.version), \(now)", items: items)
        let packed: [UInt8]
        do throws(SupportArchive.Failure) {
            packed = try archive.packed(in: target.scratch)
        } catch {
            throw CommandFailure(.cannotCreateFile, error.description)
        }
        try target.write(packed)
        StandardStream.error.write(archive.manifest)
        if case .file(let path) = target { StandardStream.output.write(path + "\n") }
        return .done
    }

    private func load(_ path: String) -> (DaemonSettings?, SettingsFaults?) {
        do throws(SettingsFaults) {
            return (try DaemonSettings.load(path: path, environment: DaemonSettings.processEnvironment()), nil)
        } catch {
            return (nil, error)
        }
    }

    /// At most so many at once, in the order of `parts`.
    private func collect(_ parts: [BundlePart], _ scrubber: Scrubber) async -> [SupportArchive.Item] {
        await withTaskGroup(of: (Int, SupportArchive.Item).self) { group in
            var found: [(Int, SupportArchive.Item)] = []
            for (index, part) in parts.enumerated() {
                if index >= Self.atOnce, let item = await group.next() { found.append(item) }
                group.addTask { (index, await part.collect(scrubber)) }
            }
            for await item in group { found.append(item) }
            return found.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    // MARK: What this process knows itself

    private func described(
        _ settings: DaemonSettings?, _ faults: SettingsFaults?, _ config: String, _ scrubber: Scrubber
    ) -> SupportArchive.Item {
        var text = ""
        let environment = DaemonSettings.processEnvironment()
        for setting in settings?.effective ?? [] {
            guard var value = setting.value else { continue }
            // Arguments of a program of the operator's own: nobody knows what they say.
            if setting.key == "credentials.exec.command", let program = settings?.credentials.exec.command.first {
                value = "\(program) and its arguments"
            }
            let source =
                environment[setting.variable] != nil ? "environment" : setting.isDefault ? "default" : "file"
            text += "\(setting.key) = \(value)  # \(source)\n"
        }
        if let faults { text += faults.description + "\n" }
        for warning in settings?.warnings ?? [] { text += "# warning: \(warning)\n" }
        return .init(
            name: "settings.txt", source: "leave-albumd check --show, of \(config)",
            contents: scrubber.scrubbed(Array(text.utf8)),
            note: faults == nil ? "" : "the settings cannot be used")
    }

    private func schema(_ settings: DaemonSettings) async -> SupportArchive.Item {
        if settings.ledger.url != nil { return await databaseSchema(settings) }
        let path = settings.ledger.path
        var text = "this leave-albumd: schema version \(EmbeddedLedger.schemaVersion)\n"
        do throws(LedgerError) {
            if let found = try EmbeddedLedger.schema(path: path) {
                text +=
                    "\(path): schema version \(found.version), made by \(found.program ?? "an unnamed leave-albumd")\n"
            } else {
                text += "\(path): there is none\n"
            }
        } catch {
            text += "\(error)\n"
        }
        return .init(name: "ledger-schema.txt", source: "the ledger's header", contents: Array(text.utf8))
    }

    private func databaseSchema(_ settings: DaemonSettings) async -> SupportArchive.Item {
        let text = await NativeThread.offload("schema") { () -> String in
            do {
                guard let database = try settings.database(), let found = try PostgresDeclaration.schema(database)
                else { return "the database: there is none\n" }
                return "the database: schema version \(found.version), for programs of version "
                    + "\(found.compatibleWith) and newer, made by \(found.program)\n"
            } catch {
                return "\(error)\n"
            }
        }
        return .init(name: "ledger-schema.txt", source: "the ledger's own record", contents: Array(text.utf8))
    }

    private func metrics(_ settings: DaemonSettings, _ scrubber: Scrubber) async -> SupportArchive.Item {
        let url = "http://\(settings.admin.listen)/metrics"
        func item(_ contents: [UInt8], _ note: String) -> SupportArchive.Item {
            .init(
                name: "metrics.txt", source: url, contents: scrubber.scrubbed(contents), note: scrubber.scrubbed(note))
        }
        guard
            let engine = try? HTTPEngine(
                HTTPConfiguration(
                    connectTimeout: .seconds(2), timeout: .seconds(5), http2: false, maxResponse: 4 << 20,
                    userAgent: "leave-albumd/\(Commands.version)"))
        else { return item([], "no thread for it") }
        switch await engine.send(HTTPRequest(.get, url: url)) {
        case .answered(let response) where response.status == 200: return item(response.body, "")
        case .answered(let response): return item([], "answered \(response.status)")
        case .notSent(let fault), .ambiguous(let fault): return item([], "\(fault)")
        }
    }
}
