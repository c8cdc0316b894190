import Concurrency
import Settings
import Telemetry

/// What a SIGHUP does: reads the settings again, takes over what can change, and names what cannot.
struct Reloader: Sendable {
    /// Reads the settings file and the environment anew. It blocks.
    let load: @Sendable () throws(SettingsFaults) -> DaemonSettings
    let front: DaemonInterface
    let logger: Logger

    /// One reload from its first notification to its last, which comes on every outcome.
    func reload() async {
        front.reloads()
        defer { front.endsReload() }
        switch await read() {
        case .failure(let faults):
            front.reloaded(isGood: false)
            logger.error("settings were not reloaded; those in force stay: \(faults)")
        case .success(let loaded):
            let change = front.settings.reload(loaded)
            front.reloaded(isGood: true)
            for warning in loaded.warnings { logger.warning(warning) }
            logger.notice(
                "reloaded the settings",
                LogField("changed", change.adopted.isEmpty ? "nothing" : change.adopted.joined(separator: ",")))
            guard !change.needRestart.isEmpty else { return }
            logger.warning(
                "these settings differ and change only with a restart: \(change.needRestart.joined(separator: ", "))")
        }
    }

    private func read() async -> Result<DaemonSettings, SettingsFaults> {
        // A file system that hangs must not take a thread of the pool with it.
        await NativeThread.offload("reload") { [load] in
            do throws(SettingsFaults) { return .success(try load()) } catch { return .failure(error) }
        }
    }
}
