extension Settings {
    /// `[ledger]`
    public struct Ledger: Equatable, Sendable {
        public var path = "/var/lib/leave-albumd/ledger.sqlite3"
        /// A shared ledger. Not available in this version, so always nil in loaded settings.
        public var url: String?
        public var durability = Durability.full
        /// How long a finished job is remembered, so that its id is known again.
        public var retention: Duration = .seconds(30 * 86_400)
    }

    public enum Durability: String, CaseIterable, Sendable {
        /// Safe against power loss.
        case full
        /// Safe against kill -9, not against power loss.
        case normal
    }

    /// `[admin]`
    public struct Admin: Equatable, Sendable {
        public var listen = ListenAddress.defaultAddress
        /// Nil: where `listen` is a loopback address. See `showsPage`.
        public var page: Bool?
        public var controlSocket = "/run/leave-albumd/control.sock"

        /// Whether `/` shows a page for people.
        public var showsPage: Bool { page ?? listen.isLoopback }
    }

    /// `[log]`
    public struct Log: Equatable, Sendable {
        public var level = Level.info
        public var format = Format.auto
        /// Accounts appear as the beginning of their SHA-256.
        public var hashAccounts = false
    }

    /// swift-log's names.
    public enum Level: String, CaseIterable, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }

    public enum Format: String, CaseIterable, Sendable {
        /// The journal's where standard error is connected to it, else text on a terminal, else JSON.
        case auto
        case journal, json, text
    }
}
