import Settings
import Threads

/// The settings in force, which a reload may change in part.
final class LiveSettings: Sendable {
    /// What came of a reload.
    struct Change: Sendable {
        /// Keys that are in force now.
        var adopted: [String]
        /// Keys that differ and hold only after a restart.
        var needRestart: [String]
    }

    // Written by reloads, read by whoever decides something; under the lock.
    private let state: Lock<Settings>

    init(_ settings: Settings) {
        state = Lock(settings)
    }

    var now: Settings { state.withLock { $0 } }

    func adopt(_ loaded: Settings) -> Change {
        state.withLock { settings in
            let next = settings.adopting(loaded)
            defer { settings = next }
            return Change(
                adopted: next.differences(from: settings), needRestart: loaded.differences(from: next))
        }
    }
}
