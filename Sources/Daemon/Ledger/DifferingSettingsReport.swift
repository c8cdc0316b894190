import Concurrency
import Ledger
import Telemetry

/// Says in the log in which settings other daemons over the same ledger differ from this one: once each, and when they
/// agree again.
final class DifferingSettingsReport: Sendable {
    private let logger: Logger
    // Written by the ledger's thread, under the lock.
    private let known = Lock<Set<DifferingSetting>>([])

    init(_ logger: Logger) {
        self.logger = logger
    }

    func report(_ differing: [DifferingSetting]) {
        let before = known.withLock { known in
            defer { known = Set(differing) }
            return known
        }
        for setting in differing where !before.contains(setting) {
            logger.warning(
                "this daemon and another one differ in a setting that the cluster should agree on",
                LogField("setting", setting.key), LogField("other", "\(setting.name)#\(setting.epoch)"))
        }
        if differing.isEmpty, !before.isEmpty {
            logger.notice("the daemons over this ledger agree on their settings now")
        }
    }
}
