package import Clocks
package import Credentials
import Glibc
package import HTTP
package import PostgresLedger
package import Secrets
import Settings
import Terminal

extension DaemonSettings {
    /// The store of grants, with its key. The directory is made by whoever imports the first grant.
    package func grantStore() throws -> GrantStore {
        guard let file = credentials.store.keyFile else {
            throw UnusableSetting("credentials.store.key_file is missing")
        }
        return GrantStore(directory: credentials.store.directory, key: try Self.sealingKey(file.path))
    }

    /// The grants, wherever the settings say that they are.
    ///
    /// - Parameters:
    ///   - sharesTokens: false for whoever wants each grant refreshed, and not what another daemon was given.
    ///   - memory: of a daemon, for what a failover of the ledger's database may lose.
    package func grants(sharesTokens: Bool = true, memory: GrantMemory? = nil) throws -> any GrantStoring {
        switch credentials.store.backend {
        case .directory: try grantStore()
        case .ledger: try ledgerGrants(sharesTokens: sharesTokens, memory: memory)
        }
    }

    /// The grants in the ledger's database, which is connected to at the first question.
    package func ledgerGrants(sharesTokens: Bool = true, memory: GrantMemory? = nil) throws -> LedgerGrants {
        guard let database = try database() else {
            throw UnusableSetting("credentials.store.backend is \"ledger\", and ledger.url is not set")
        }
        guard let file = credentials.store.keyFile else {
            throw UnusableSetting("credentials.store.key_file is missing")
        }
        return LedgerGrants(
            try GrantTable(database, memory: memory), key: try Self.sealingKey(file.path), durations: leaseDurations,
            sharesTokens: sharesTokens)
    }

    /// Several daemons may work on the ledger, and this one has its grants in a directory of which nobody said that the
    /// others have it too.
    var hasUnsharedGrants: Bool {
        ledger.url != nil && credentials.providers.contains(.store) && credentials.store.backend == .directory
            && !credentials.store.sharedDirectory
    }

    package static func sealingKey(_ path: String) throws -> SealingKey {
        let contents: SecretFileContents
        do throws(SecretFileError) {
            contents = try SecretFileContents(path: path)
        } catch {
            throw UnusableSetting("\(path): \(error)")
        }
        guard let key = SealingKey(contents.secret) else {
            throw UnusableSetting("\(path) is no key: it has 32 bytes, or 64 hexadecimal digits (openssl rand -hex 32)")
        }
        return key
    }

    /// The client's secret is read at each refresh, so that a rotated file is picked up.
    package func tokenEndpoint(_ engine: HTTPEngine, clock: any TimeSource) -> TokenEndpoint {
        let file = credentials.store.clientSecretFile
        return TokenEndpoint(
            engine: engine, url: credentials.store.tokenURL, clientSecret: { try file?.read() }, clock: clock)
    }

    private static let unixScheme = "unix://"

    /// The URL of a token service; behind a Unix socket the host's name does not matter.
    package func tokenServiceURL(_ url: String) -> String { url.hasPrefix(Self.unixScheme) ? "http://localhost" : url }

    /// HTTP configuration of a token service, which answers from memory: short timeouts.
    package var tokenServiceHTTP: HTTPConfiguration {
        let socket = credentials.broker.url.flatMap {
            $0.hasPrefix(Self.unixScheme) ? String($0.dropFirst(Self.unixScheme.count)) : nil
        }
        return HTTPConfiguration(
            connectTimeout: .seconds(2), timeout: .seconds(5), unixSocket: socket, http2: false, maxResponse: 64 << 10,
            userAgent: http.userAgent, maxConnections: 8)
    }

    package var tokenHTTP: HTTPConfiguration {
        HTTPConfiguration(
            connectTimeout: api.connectTimeout, timeout: api.timeout, caFile: api.caFile?.path, proxy: api.proxy,
            http2: api.http2, maxResponse: 64 << 10, userAgent: http.userAgent, maxConnections: 8)
    }
}
