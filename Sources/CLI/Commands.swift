import CLinux
import Concurrency
import Daemon
import Files
import Glibc
import JSON
import Service
import Settings
import Telemetry
import Terminal

/// The commands of the program, and how one is run to its end.
package enum Commands {
    static let version = ProgramVersion.text
    static let defaultConfig = "/etc/leave-albumd/leave-albumd.toml"

    /// The command line as data: its help is made of it, and so is what it refuses. Each command stands beside what
    /// does its work.
    static let program: Command = .init(
        "leave-albumd", summary: "Lets users leave shared albums, one job of a RabbitMQ queue at a time",
        commands: [
            run, check, topology, submit, cancel, results, preview, dead, reconcile, job, ledger, credentials, status,
            pause,
            resume, probe, holds, quota, queues, bundle, printVersion, help,
        ], hasVersion: true)

    /// Never returns: the process ends with the command's status.
    static func run(_ arguments: ParsedArguments) -> Never {
        // Before the first secret is read.
        _ = CLinux_keep_memory_private()
        // Each heap keeps what it had at its highest: with two of them the daemon takes two MiB less, and as little
        // time.
        _ = CLinux_share_heaps(2)
        guard let action = program.command(at: arguments.command)?.action else {
            preconditionFailure("a line that was parsed names a command with an action")
        }
        switch action {
        case .immediate(let body): end(body(arguments))
        case .withoutSettings(let body): finish { try await body(arguments) }
        case .withSettings(let body):
            let context = load(arguments, isDaemon: false)
            finish { try await body(context) }
        case .daemon(let body): body(load(arguments, isDaemon: true))
        }
    }

    /// The only end of this process: what a command wrote has arrived, or the status says that it has not.
    static func end(_ status: ExitStatus) -> Never {
        UnfinishedFiles.ofProcess.remove()
        guard let problem = StandardStream.outputFailure() else { exit(status.rawValue) }
        StandardStream.error.write("leave-albumd: \(problem)\n")
        exit(ExitStatus.outputLost.rawValue)
    }

    private static func load(_ arguments: ParsedArguments, isDaemon: Bool) -> CommandContext {
        let path = arguments.configuration
        do throws(SettingsFaults) {
            return CommandContext(
                settings: try DaemonSettings.load(path: path, environment: DaemonSettings.processEnvironment()),
                arguments: arguments)
        } catch {
            let shortage = DescriptorShortage.now()
            StandardStream.error.write(error.description + "\n" + (shortage.map { "leave-albumd: \($0)\n" } ?? ""))
            // What `systemctl status` shows of a service that did not start.
            if isDaemon { Notifier.systemd.notify([.status(error.description)]) }
            // A file that is another user's is no fault of the settings, except for the daemon, whose file it is.
            let isForbidden = !isDaemon && access(path, R_OK) != 0 && CLinux_errno() == EACCES
            // Settings that nobody could read are not wrong.
            if shortage != nil { end(.tryAgainLater) }
            end(isForbidden ? .noPermission : .settingsWrong)
        }
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
}
