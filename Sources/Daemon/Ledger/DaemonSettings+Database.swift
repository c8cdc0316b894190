import Glibc
package import Ledger
package import PostgresLedger
import Secrets
package import Settings

/// The settings of a shared ledger, as its module takes them.
extension DaemonSettings {
    /// Where the database is, and how it is reached; nil for a ledger that is a file.
    package func database() throws -> PostgresConfiguration? {
        guard let url = ledger.url else { return nil }
        return try database(url, passwordFile: ledger.passwordFile)
    }

    /// The same of another URL, whose certificates are those of the settings.
    package func database(_ url: String, passwordFile: SecretFile?) throws -> PostgresConfiguration {
        // Read here too: a password that cannot be read now is a fault of the settings, later it is one of the hour.
        _ = try passwordFile?.read()
        var password: (@Sendable () throws -> Secret)?
        if let passwordFile { password = { try passwordFile.read() } }
        do throws(PostgresURLError) {
            var configuration = try PostgresConfiguration(
                try PostgresURL(url), password: password, caFile: ledger.tls.caFile?.path,
                certificateFile: ledger.tls.certFile?.path, keyFile: ledger.tls.keyFile?.path)
            configuration.standbys = standbyDemand
            configuration.connections = ledger.connections
            return configuration
        } catch {
            throw UnusableSetting("ledger.url: \(error)")
        }
    }

    private var standbyDemand: StandbyDemand {
        switch ledger.replication {
        case .auto: .any
        case .required: .required
        case .none: .ignored
        }
    }

    package var leaseDurations: LeaseDurations {
        LeaseDurations(sendWindow: ledger.sendWindow, callTimeout: api.timeout, grace: ledger.grace)
    }

    /// What this daemon is called among those that share the ledger.
    package var instance: String { ledger.instance ?? Self.hostName }

    /// Where outcomes are kept that a shared ledger could not take; nil: nowhere.
    var spoolPath: String? {
        if let path = ledger.spool { return path }
        // A list, if the unit has several.
        guard let directories = getenv("STATE_DIRECTORY").map({ String(cString: $0) }),
            let first = directories.split(separator: ":").first
        else { return nil }
        return "\(first)/spool"
    }

    /// Keys in which daemons that share a ledger should not differ.
    private static let sharedKeys: Set = [
        "api.base_url", "broker.prefix", "ledger.retention", "limits.day_zone", "limits.pace",
        "limits.requests_per_day", "limits.requests_per_minute_per_account", "limits.requests_per_second",
        "messages.cloudevents", "results.cloudevents", "results.source", "results.type",
        "retry.delays", "retry.max_age", "retry.max_attempts", "worker.assume_left_after_ambiguous",
        "worker.per_account",
    ]

    /// A digest of the value of each of these keys.
    var sharedDigests: [String: String] {
        let pairs = effective.compactMap { setting -> (String, String)? in
            guard Self.sharedKeys.contains(setting.key), let value = setting.value else { return nil }
            return (setting.key, SHA256Digest(of: Array(value.utf8)).hexadecimal)
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    private static var hostName: String {
        var name = [CChar](repeating: 0, count: Int(HOST_NAME_MAX) + 1)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
