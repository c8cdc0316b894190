extension Settings {
    /// `[credentials]`
    public struct Credentials: Equatable, Sendable {
        /// Asked in this order. At least one, each once.
        public var providers = [Provider.store]
        public var `static` = Static()
        public var store = Store()
        public var broker = TokenBroker()
        public var exec = Exec()
    }

    public enum Provider: String, CaseIterable, Sendable {
        case `static`
        case store
        case broker
        case exec
    }

    /// `[credentials.static]`
    public struct Static: Equatable, Sendable {
        /// One token for all accounts, or lines `account<TAB>token`.
        public var tokenFile: SecretFile?
    }

    /// `[credentials.store]`
    public struct Store: Equatable, Sendable {
        public var directory = "/var/lib/leave-albumd/credentials"
        public var keyFile: SecretFile?
        public var clientID: String?
        public var clientSecretFile: SecretFile?
        public var tokenURL = "https://oauth2.googleapis.com/token"
    }

    /// `[credentials.broker]`: a token service of the operator's own.
    public struct TokenBroker: Equatable, Sendable {
        /// `https://…`, or `unix:///run/tokens.sock`.
        public var url: String?
    }

    /// `[credentials.exec]`
    public struct Exec: Equatable, Sendable {
        /// The program, by its absolute path, and its arguments. Empty: not set.
        public var command: [String] = []
    }
}
