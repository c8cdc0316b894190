public import Jobs

extension Settings {
    /// `[api]`
    public struct API: Equatable, Sendable {
        /// Scheme, host and perhaps port and path, without a slash at the end.
        public var baseURL = "https://photoslibrary.googleapis.com"
        /// Permits plain HTTP to a host that is not this one.
        public var insecure = false
        /// Five seconds: two lost SYNs are sent again within it.
        public var connectTimeout: Duration = .seconds(5)
        /// From the start of a call to its whole answer. Twenty seconds: the service answers in under one; what takes
        /// longer will not come.
        public var timeout: Duration = .seconds(20)
        /// PEM. Nil: the system's bundle.
        public var caFile: SecretFile?
        /// A URL: `http`, `https`, `socks5` or `socks5h`.
        public var proxy: String?
        public var http2 = true
        /// Bytes of an answer's body that are read; a longer one is malformed. The service's are under a kilobyte.
        public var maxResponse = 65_536
        /// The account that probes a hold before others do.
        public var canaryAccount: AccountID?
    }
}

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
