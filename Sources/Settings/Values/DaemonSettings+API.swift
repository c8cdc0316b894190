package import Jobs

extension DaemonSettings {
    /// `[api]`
    package struct API: Equatable, Sendable {
        /// Scheme, host and perhaps port and path, without a slash at the end.
        package var baseURL = "https://photoslibrary.googleapis.com"
        /// Permits plain HTTP to a host that is not this one.
        package var insecure = false
        /// Five seconds: two lost SYNs are sent again within it.
        package var connectTimeout: Duration = .seconds(5)
        /// From the start of a call to its whole answer. Twenty seconds: the service answers in under one; what takes
        /// longer will not come.
        package var timeout: Duration = .seconds(20)
        /// PEM. Nil: the system's bundle.
        package var caFile: SecretFile?
        /// A URL: `http`, `https`, `socks5` or `socks5h`.
        package var proxy: String?
        package var http2 = true
        /// Bytes of an answer's body that are read; a longer one is malformed. The service's are under a kilobyte.
        package var maxResponse = 65_536
        /// The account that probes a hold before others do.
        package var canaryAccount: AccountID?

        /// Host and port of the base URL.
        package var server: (host: String, port: Int) {
            guard let parts = try? URIParts(baseURL) else { return (baseURL, 443) }
            return (parts.host, parts.port.map { Int($0) } ?? (parts.scheme == "http" ? 80 : 443))
        }
    }
}

extension DaemonSettings {
    /// `[credentials]`
    package struct Credentials: Equatable, Sendable {
        /// Asked in this order. At least one, each once.
        package var providers = [Provider.store]
        package var `static` = Static()
        package var store = Store()
        package var broker = TokenBroker()
        package var exec = Exec()
    }

    package enum Provider: String, CaseIterable, Sendable {
        case `static`
        case store
        case broker
        case exec
    }

    /// `[credentials.static]`
    package struct Static: Equatable, Sendable {
        /// One token for all accounts, or lines `account<TAB>token`.
        package var tokenFile: SecretFile?
    }

    /// `[credentials.store]`
    package struct Store: Equatable, Sendable {
        /// A directory: what one host needs, and what was there first.
        package var backend = StoreBackend.directory
        package var directory = "/var/lib/leave-albumd/credentials"
        package var keyFile: SecretFile?
        package var clientID: String?
        package var clientSecretFile: SecretFile?
        package var tokenURL = "https://oauth2.googleapis.com/token"
        /// The operator's word that all daemons of the ledger have one directory, with locks that hold between them.
        package var sharedDirectory = false
    }

    package enum StoreBackend: String, CaseIterable, Sendable {
        case directory
        /// The ledger of `ledger.url`.
        case ledger
    }

    /// `[credentials.broker]`: a token service of the operator's own.
    package struct TokenBroker: Equatable, Sendable {
        /// `https://…`, or `unix:///run/tokens.sock`.
        package var url: String?
    }

    /// `[credentials.exec]`
    package struct Exec: Equatable, Sendable {
        /// The program, by its absolute path, and its arguments. Empty: not set.
        package var command: [String] = []
    }
}

extension SettingRange {
    static let connectTimeout: ClosedRange<Duration> = .milliseconds(50) ... .seconds(30)
    /// Two tries of the longest timeout still settle the delivery in time.
    static let timeout: ClosedRange<Duration> = .milliseconds(100) ... .seconds(55)
    /// An error with its details fits in a kilobyte; a mebibyte for each call in flight is still affordable.
    static let maxResponse = 1_024...1_048_576
}
