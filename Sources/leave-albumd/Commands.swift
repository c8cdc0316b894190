import CLinux
import Files
import Glibc
import Service
import Settings
import Telemetry
import Terminal
import Threads

/// Where each command is done.
enum Commands {
    static let version = ProgramVersion.text

    /// Never returns: the process ends with the command's status.
    static func run(_ arguments: ParsedArguments) -> Never {
        let name = arguments.command.joined(separator: " ")
        // Before the first secret is read.
        _ = CLinux_keep_memory_private()
        // Each heap keeps what it had at its highest: with two of them the daemon takes two MiB less, and as little time.
        _ = CLinux_share_heaps(2)
        switch name {
        case "version":
            let text = arguments.isSet("--json") ? "{\"version\":\"\(version)\"}" : "leave-albumd \(version)"
            StandardStream.output.write(text + "\n")
            end(.done)
        case "help": help(arguments.positionals)
        case "check": finish { try await CheckCommand(arguments).run() }
        case "bundle": finish { try await BundleCommand(arguments).run() }
        default: break
        }
        let settings = load(arguments.value("--config") ?? defaultConfig, isDaemon: name == "run")
        switch name {
        case "run":
            if let refusal = DescriptorNeed(settings).raise() { refuse(refusal, settings) }
            runDaemon(
                settings, path: arguments.value("--config") ?? defaultConfig,
                permitsNewLedger: arguments.isSet("--new-ledger"))
        case "topology declare": finish { try await TopologyCommand(settings, arguments).declare() }
        case "topology verify": finish { try await TopologyCommand(settings, arguments).verify() }
        case "topology delete": finish { try await TopologyCommand(settings, arguments).delete() }
        case "topology export": finish { try TopologyCommand(settings, arguments).export() }
        case "submit": finish { try await SubmitCommand(settings, arguments).run() }
        case "results": finish { try await ResultsCommand(settings, arguments).run() }
        case "job": finish { try await JobCommand(settings, arguments).run() }
        case "status": finish { try await StatusCommand(settings, arguments).run() }
        case "cancel": finish { try await CancelCommand(settings, arguments).run() }
        case "dead list": finish { try await DeadCommand(settings, arguments).list() }
        case "dead show": finish { try await DeadCommand(settings, arguments).show() }
        case "dead stats": finish { try await DeadCommand(settings, arguments).stats() }
        case "dead redrive": finish { try await DeadCommand(settings, arguments).redrive() }
        case "dead discard": finish { try await DeadCommand(settings, arguments).discard() }
        case "credentials import": finish { try await CredentialsCommand(settings, arguments).importGrants() }
        case "credentials list": finish { try await CredentialsCommand(settings, arguments).list() }
        case "credentials check": finish { try await CredentialsCommand(settings, arguments).check() }
        case "credentials remove": finish { try await CredentialsCommand(settings, arguments).remove() }
        case "credentials authorize": finish { try await AuthorizeCommand(settings, arguments).run() }
        case "credentials rekey": finish { try await CredentialsCommand(settings, arguments).rekey() }
        case "reconcile": finish { try await ReconcileCommand(settings, arguments).run() }
        case "pause", "resume", "probe", "holds", "quota", "queues":
            finish { try await OperateCommand(settings, arguments).run(name) }
        default: finish { try await LedgerCommand(settings, arguments).run() }
        }
    }

    /// The only end of this process: what a command wrote has arrived, or the status says that it has not.
    static func end(_ status: ExitStatus) -> Never {
        UnfinishedFiles.ofProcess.remove()
        guard let trouble = StandardStream.outputTrouble() else { exit(status.rawValue) }
        StandardStream.error.write("leave-albumd: \(trouble)\n")
        exit(ExitStatus.outputLost.rawValue)
    }

    private static func help(_ words: [String]) -> Never {
        guard let text = specification.help(for: words) else {
            StandardStream.error.write(
                "leave-albumd: there is no command \(DisplayText.printable(words.joined(separator: " ")))\n")
            end(.usage)
        }
        StandardStream.output.write(text)
        end(.done)
    }

    private static func load(_ path: String, isDaemon: Bool) -> Settings {
        do throws(SettingsFaults) {
            return try Settings.load(path: path, environment: Settings.processEnvironment())
        } catch {
            let shortage = DescriptorShortage.now()
            StandardStream.error.write(error.description + "\n" + (shortage.map { "leave-albumd: \($0)\n" } ?? ""))
            // What `systemctl status` shows of a service that did not start.
            if isDaemon { Notifier.systemd.tell([.status(error.description)]) }
            // A file that is another user's is no fault of the settings, except for the daemon, whose file it is.
            let isForbidden = !isDaemon && access(path, R_OK) != 0 && CLinux_errno() == EACCES
            // Settings that nobody could read are not wrong.
            if shortage != nil { end(.tryAgainLater) }
            end(isForbidden ? .noPermission : .settingsWrong)
        }
    }

    /// Before the daemon has opened anything, the log apart.
    private static func refuse(_ why: String, _ settings: Settings) -> Never {
        let logger = settings.logger
        logger.error(why)
        logger.flush()
        Notifier.systemd.tell([.status(why)])
        end(.settingsWrong)
    }

    /// Runs a command to its end; a signal ends it at once.
    private static func finish(_ body: @escaping @Sendable () async throws -> ExitStatus) -> Never {
        Task.detached {
            do {
                end(try await body())
            } catch {
                let failure = CommandFailure(error)
                StandardStream.error.write("leave-albumd: \(failure.description)\n")
                end(failure.status)
            }
        }
        Signals.watch { event in
            if case .terminate = event {
                StandardStream.error.write("\nleave-albumd: interrupted\n")
                end(.tryAgainLater)
            }
        }
    }

    private static func runDaemon(_ settings: Settings, path: String, permitsNewLedger: Bool) -> Never {
        // Before the first thread, because the C library's zone is the process's.
        QuotaZone.set(settings.limits.dayZone)
        let stop = AsyncSignal()
        // Several signals before the first is answered are one reload.
        let (reloads, feed) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        Task.detached {
            let daemon = Daemon(settings, permitsNewLedger: permitsNewLedger, stop: stop)
            let status = await daemon.run(reloads: reloads) { () throws(SettingsFaults) in
                try Settings.load(path: path, environment: Settings.processEnvironment())
            }
            end(status)
        }
        Signals.watch { event in
            switch event {
            case .terminate: stop.signal()
            case .reload: feed.yield()
            }
        }
    }
}
