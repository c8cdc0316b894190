import Concurrency
import Pipeline
import Settings
import Telemetry

/// The settings in force, which a reload changes in part. Whoever decides something asks `now`; the log and the
/// pipeline, which keep what they work by, are told from here and nowhere else.
final class LiveSettings: Sendable {
    // Written by reloads, read by whoever decides something; under the lock.
    private let settings: Lock<DaemonSettings>
    // Written once the pipeline is there. Held while the pipeline is told, so that it is told last what is in force
    // last.
    private let pipeline = Lock<JobPipeline?>(nil)
    private let log: LogControl

    init(_ settings: DaemonSettings, log: LogControl) {
        self.settings = Lock(settings)
        self.log = log
    }

    var now: DaemonSettings { settings.withLock { $0 } }

    /// The pipeline works by the settings in force from here on, also by those of a reload before it was there.
    func connect(_ pipeline: JobPipeline) {
        self.pipeline.withLock {
            $0 = pipeline
            pipeline.apply(now.pipeline)
        }
    }

    /// Takes over what can change while the daemon runs.
    func reload(_ loaded: DaemonSettings) -> SettingsReload {
        pipeline.withLock { pipeline in
            let reload = settings.withLock { $0.reload(loaded) }
            let now = self.now
            pipeline?.apply(now.pipeline)
            now.adjust(log)
            return reload
        }
    }
}
