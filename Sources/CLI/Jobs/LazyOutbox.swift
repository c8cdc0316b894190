import AMQP
import Concurrency
import Daemon
import Settings

/// A publishing link that is made when the first message needs it. It lives as long as the command.
final class LazyOutbox: Sendable {
    private let settings: DaemonSettings
    private let made = Lock<PublishingLink?>(nil)

    init(_ settings: DaemonSettings) {
        self.settings = settings
    }

    /// Nil if the settings do not give one.
    func link() -> PublishingLink? {
        made.withLock { made in
            if made == nil, let configuration = try? settings.link("replay") {
                made = try? PublishingLink(configuration) { _ in }
            }
            return made
        }
    }
}
