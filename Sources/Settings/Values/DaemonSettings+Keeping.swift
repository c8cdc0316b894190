extension DaemonSettings {
    /// `[ledger]`
    package struct Ledger: Equatable, Sendable {
        package var path = "/var/lib/leave-albumd/ledger.sqlite3"
        /// A shared ledger. Not available in this version, so always nil in loaded settings.
        package var url: String?
        package var durability = Durability.full
        /// How long a finished job is remembered, so that its id is known again.
        package var retention: Duration = .seconds(30 * 86_400)
    }

    package enum Durability: String, CaseIterable, Sendable {
        /// Safe against power loss.
        case full
        /// Safe against kill -9, not against power loss.
        case normal
    }

    /// `[admin]`
    package struct Admin: Equatable, Sendable {
        package var listen = ListenAddress.defaultAddress
        /// Nil: where `listen` is a loopback address. See `showsPage`.
        package var page: Bool?
        package var controlSocket = "/run/leave-albumd/control.sock"

        /// Whether `/` shows a page for people.
        package var showsPage: Bool { page ?? listen.isLoopback }
    }

    /// `[log]`
    package struct Log: Equatable, Sendable {
        package var level = Level.info
        package var format = Format.auto
        /// Accounts appear as the beginning of their SHA-256.
        package var hashAccounts = false
    }

    /// swift-log's names.
    package enum Level: String, CaseIterable, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }

    package enum Format: String, CaseIterable, Sendable {
        /// The journal's where standard error is connected to it, else text on a terminal, else JSON.
        case auto
        case journal, json, text
    }
}

extension SettingRange {
    /// Below an hour a duplicate of an ordinary job could find its row gone.
    static let retention: ClosedRange<Duration> = .seconds(3_600) ... .seconds(3_650 * 86_400)
}
