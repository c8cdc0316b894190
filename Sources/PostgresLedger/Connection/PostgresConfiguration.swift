import CPostgres
import Clocks
package import Secrets

/// Where the database is, and how this process speaks with it.
package struct PostgresConfiguration: Sendable {
    package let url: PostgresURL
    /// Asked for at each connect, so that a changed password needs no restart. Nil: no password is given to anybody.
    let password: (@Sendable () throws -> Secret)?
    /// PEM files; nil: what the URL says, and for the authorities else Debian's bundle.
    let caFile: String?
    let certificateFile: String?
    let keyFile: String?
    /// From the lookup of a name to a server that takes writes.
    package var connectTimeout = Duration.seconds(5)
    /// For jobs; there is one more for questions, and one for grants where those are in the ledger.
    package var connections = 2
    /// Which commits are good enough to call the API upon.
    package var standbys = StandbyDemand.any
    /// What the kernel is asked to take of a batch at once, in bytes; it gives no more than `net.core.wmem_max`.
    var sendBuffer = 256 << 10

    static let applicationName = "leave-albumd"

    /// libpq loads no authorities by itself before version 16; Debian keeps its bundle here.
    static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    /// From 16 on libpq can be told which methods of login it may answer.
    private static let canRequireMethod = PQlibVersion() >= 160_000

    /// - Throws: if the settings would send a password or a job where others may read it.
    package init(
        _ url: PostgresURL, password: (@Sendable () throws -> Secret)? = nil, caFile: String? = nil,
        certificateFile: String? = nil, keyFile: String? = nil
    ) throws(PostgresURLError) {
        self.url = url
        self.password = password
        self.caFile = caFile ?? url.options[.caFile]
        self.certificateFile = certificateFile ?? url.options[.certificateFile]
        self.keyFile = keyFile ?? url.options[.keyFile]
        for host in url.hosts { _ = try security(for: host) }
    }

    enum Security: Hashable, Sendable {
        /// Socket and loopback, where there is nobody between.
        case plain
        /// TLS in which certificate and name are verified; there is no weaker one.
        case verified
    }

    func security(for host: PostgresHost) throws(PostgresURLError) -> Security {
        let mode = url.options[.tlsMode]
        switch host.reach {
        case .socket: return .plain
        case .loopback:
            let hasFiles = caFile != nil || certificateFile != nil
            guard mode.map({ $0 == "require" || $0.hasPrefix("verify-") }) ?? hasFiles else { return .plain }
        case .network:
            guard mode != "disable" else {
                throw PostgresURLError(
                    "sslmode=disable: without TLS everybody between here and \(host) reads the jobs; leave it out")
            }
        }
        guard password == nil || bindsChannel || Self.canRequireMethod else {
            throw PostgresURLError(
                "channel_binding: without it this libpq would give \(host) the password itself if asked to; leave it "
                    + "out, or log in by certificate, or reach a pooler by a socket")
        }
        return .verified
    }

    /// Login that proves the password to whoever has the certificate of this very connection: SCRAM, and neither md5
    /// nor the password itself. Without a password there is nothing to prove.
    private var bindsChannel: Bool {
        url.options[.channelBinding].map { $0 == "require" } ?? (password != nil)
    }

    // MARK: For libpq

    /// Keywords and values for one host, found at `address`. Whatever could be taken from the environment or the home
    /// directory instead, and matters, is said.
    func parameters(for host: PostgresHost, at address: String?, security: Security) -> [(String, String)] {
        // A file below a file is never there.
        let none = "/dev/null/none"
        var parameters = [
            ("host", host.name), ("port", "\(host.port)"), ("target_session_attrs", "any"), ("passfile", none),
            ("application_name", Self.applicationName), ("client_encoding", "UTF8"), ("gssencmode", "disable"),
            ("keepalives", "1"), ("keepalives_idle", "10"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
        ]
        func add(_ keyword: String, _ value: String?) {
            if let value { parameters.append((keyword, value)) }
        }
        add("hostaddr", address)
        for option in [PostgresURL.Option.user, .database, .serverOptions] {
            add(option.rawValue, url.options[option])
        }
        switch security {
        case .plain:
            add("sslmode", "disable")
            add("channel_binding", url.options[.channelBinding] ?? "prefer")
        case .verified:
            add("sslmode", "verify-full")
            add("ssl_min_protocol_version", "TLSv1.2")
            add("sslrootcert", caFile ?? Self.systemAuthorities)
            add("sslcert", certificateFile ?? none)
            add("sslkey", keyFile ?? certificateFile ?? none)
            add("sslcrl", none)
            add("channel_binding", bindsChannel ? "require" : url.options[.channelBinding] ?? "prefer")
            if password != nil, Self.canRequireMethod { add("require_auth", "scram-sha-256") }
        }
        return parameters
    }
}
