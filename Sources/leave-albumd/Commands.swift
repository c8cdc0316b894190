import Glibc
import Jobs
import Operations
import Service
import Settings
import Terminal
import Threads

/// The command line: what there is, and where each command is done.
enum Commands {
    static let version = "0.1.0"

    static let specification = CommandSpecification(
        "leave-albumd", summary: "Lets users leave shared albums, one job of a RabbitMQ queue at a time.",
        subcommands: [
            CommandSpecification(
                "run", summary: "The daemon, in the foreground.",
                options: [
                    config,
                    .flag(
                        "--new-ledger", help: "permit starting with an empty ledger beside queues that are not empty"),
                ]),
            CommandSpecification(
                "topology", summary: "The exchanges and queues on the broker.",
                subcommands: [
                    CommandSpecification(
                        "declare", summary: "Creates what is missing.", options: [config]),
                    CommandSpecification(
                        "verify", summary: "Names what is missing, and changes nothing.", options: [config]),
                ]),
            CommandSpecification("version", summary: "Prints the version."),
        ])

    static let config = OptionSpecification.value(
        "--config", "FILE", help: "settings (default \(defaultConfig))")
    static let defaultConfig = "/etc/leave-albumd/leave-albumd.toml"

    /// Never returns: the process ends with the command's status.
    static func run(_ arguments: ParsedArguments) -> Never {
        if arguments.command.last == "version" {
            StandardStream.output.write("leave-albumd \(version)\n")
            exit(ExitStatus.done.rawValue)
        }
        let settings = load(arguments.value("--config") ?? defaultConfig)
        switch arguments.command.joined(separator: " ") {
        case "run": runDaemon(settings, permitsNewLedger: arguments.isSet("--new-ledger"))
        case "topology declare": finish { await TopologyCommand(settings).declare() }
        case "topology verify": finish { await TopologyCommand(settings).verify() }
        default: exit(ExitStatus.internalFault.rawValue)
        }
    }

    private static func load(_ path: String) -> Settings {
        do throws(SettingsFaults) {
            return try Settings.load(path: path, environment: Settings.processEnvironment())
        } catch {
            StandardStream.error.write(error.description + "\n")
            exit(ExitStatus.settingsWrong.rawValue)
        }
    }

    /// Runs a command to its end; a signal ends it at once.
    private static func finish(_ body: @escaping @Sendable () async -> ExitStatus) -> Never {
        Task.detached { exit(await body().rawValue) }
        Signals.watch { event in
            if case .terminate = event { exit(ExitStatus.tryAgainLater.rawValue) }
        }
    }

    private static func runDaemon(_ settings: Settings, permitsNewLedger: Bool) -> Never {
        // Before the first thread, because the C library's zone is the process's.
        QuotaZone.set(settings.limits.dayZone)
        let stop = StopRequest()
        Task.detached {
            let daemon = Daemon(settings, permitsNewLedger: permitsNewLedger, stop: stop)
            exit(await daemon.run().rawValue)
        }
        Signals.watch { event in
            switch event {
            case .terminate: stop.signal()
            case .reload: break
            }
        }
    }
}
