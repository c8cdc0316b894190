import AMQP
package import Concurrency
import Credentials
import HTTP
import Service
package import Settings

/// How many descriptors the daemon may have open at once with these settings: the sum of what each module may take,
/// when all of them take their most.
///
/// It survives to run out of them, but then it does no work: so it does not start with less than it may need.
package struct DescriptorNeed: Sendable {
    package let count: Int
    private let concurrency: Int

    /// The standard streams; the sockets of the journal and the service manager; four of the runtime's timers; the
    /// mailboxes of watchdog and workers; and for a moment files of settings, secrets and zones.
    private static let process = 16
    /// One connection, with what a lookup and certificates take for a moment, and a mailbox.
    private static let grantsConnection = 8
    /// The links that consume and publish, and the session.
    private static let connections = 3

    package init(_ settings: DaemonSettings) {
        concurrency = settings.worker.concurrency
        var count = Self.process
        count += AdminServer.mostDescriptors + ControlSocketServer.mostDescriptors
        // Every request of the control socket may read the ledger.
        count += settings.ledgerDescriptors(readers: ControlSocketServer.mostDescriptors)
        count += Self.connections * LinkConfiguration.mostDescriptors
        count += settings.http.mostDescriptors
        // The token endpoint's engine is there in any case.
        count += settings.tokenHTTP.mostDescriptors
        if settings.trace.collectorURL != nil { count += settings.collectorHTTP.mostDescriptors }
        for provider in settings.credentials.providers {
            switch provider {
            // One file, for a moment.
            case .static: break
            // A job asks for one account's token, so at most so many are asked for at once.
            case .store:
                switch settings.credentials.store.backend {
                case .directory: count += StoreCredentials.mostDescriptors(accounts: concurrency)
                case .ledger: count += Self.grantsConnection
                }
            case .broker: count += settings.tokenServiceHTTP.mostDescriptors
            case .exec: count += ExecCredentials.mostDescriptors
            }
        }
        self.count = count
    }

    /// What is wrong with a limit that cannot be raised far enough; nil if it can.
    package func fault(_ limit: DescriptorLimit? = try? .current()) -> String? {
        guard let limit, limit.hard < count else { return nil }
        return
            "these settings may need \(count) file descriptors (worker.concurrency = \(concurrency)), and this process "
            + "may have \(limit.hard): set LimitNOFILE=\(count) or more in the unit (systemctl edit leave-albumd), raise "
            + "`ulimit -n` where it is started by a shell, or lower worker.concurrency"
    }

    /// Raises the limit for this process. Returns what is wrong with it, or nil.
    package func raise() -> String? {
        if let fault = fault() { return fault }
        do throws(SystemCallError) {
            let limit = try DescriptorLimit.raise()
            return limit.soft < count ? fault(DescriptorLimit(soft: limit.soft, hard: limit.soft)) : nil
        } catch {
            // Forbidden to this process. What it has may be enough.
            guard let limit = try? DescriptorLimit.current() else { return nil }
            return fault(DescriptorLimit(soft: limit.soft, hard: limit.soft))
        }
    }
}
