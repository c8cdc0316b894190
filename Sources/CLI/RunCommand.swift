import Concurrency
import Daemon
import Service
import Settings
import Telemetry
import Terminal

extension Commands {
    static let run = Command(
        "run", summary: "The daemon, in the foreground",
        options: [
            .config,
            .flag("--new-ledger", help: "permit starting with an empty ledger beside queues that are not empty"),
            .flag(
                "--ledger-restored",
                help: "permit starting on a shared ledger that is older than this host knows it, or another"),
        ], action: .daemon { RunCommand(context: $0).run() })
}

/// `run`: the daemon.
struct RunCommand: ConfiguredCommand {
    let context: CommandContext

    func run() -> Never {
        if let refusal = DescriptorNeed(settings).raise() { refuse(refusal) }
        // Before the first thread, because the C library's zone is the process's.
        QuotaZone.set(settings.limits.dayZone)
        let stop = AsyncSignal()
        // Several signals before the first is answered are one reload.
        let (reloads, feed) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let (settings, path, permitsNewLedger) = (settings, arguments.configuration, arguments.isSet("--new-ledger"))
        let permitsRestoredLedger = arguments.isSet("--ledger-restored")
        Task.detached {
            let daemon = WorkerDaemon(
                settings, permitsNewLedger: permitsNewLedger, permitsRestoredLedger: permitsRestoredLedger, stop: stop)
            let status = await daemon.run(reloads: reloads) { () throws(SettingsFaults) in
                try DaemonSettings.load(path: path, environment: DaemonSettings.processEnvironment())
            }
            Commands.end(status)
        }
        Signals.watch { event in
            switch event {
            case .terminate: stop.signal()
            case .reload: feed.yield()
            }
        }
    }

    /// Before the daemon has opened anything, the log apart.
    private func refuse(_ why: String) -> Never {
        let logger = settings.logger
        logger.error(why)
        logger.flush()
        Notifier.systemd.notify([.status(why)])
        Commands.end(.settingsWrong)
    }
}
