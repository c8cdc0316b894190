import Clocks
import Concurrency
import Credentials
import Ledger
import PostgresLedger
import Settings
import Telemetry
import Terminal

/// Grants beside a shared ledger: a directory that is one host's own is for one daemon.
extension WorkerDaemon {
    /// The store's grants, with what stands between two daemons and one refresh token.
    func openGrants() throws -> any GrantRefreshing {
        guard settings.credentials.store.backend == .directory, settings.ledger.url != nil else {
            return try settings.grants(memory: grantMemory)
        }
        let store = try settings.grantStore()
        if settings.credentials.store.sharedDirectory {
            try store.prepare()
            try store.tryLocks()
            return store
        }
        return UnsharedDirectory(store) { [otherMembers] in try await otherMembers.settled() }
    }

    /// A daemon that was killed is among the living for some seconds more: whether it is one of them, its next heartbeat
    /// shows, or that there is none. Of two that start at once the later one ends.
    func refuseUnsharedGrants(_ ledger: DatabaseLedger, _ front: DaemonInterface) async throws {
        guard settings.hasUnsharedGrants, let own = ledger.epoch else { return }
        var firstSeen: [Int: Timestamp] = [:]
        while !stop.isSignalled {
            let others: [ClusterMember]
            do throws(LedgerError) {
                others = try await ledger.members().filter { $0.epoch < own && OtherMembers.isLive($0) }
            } catch {
                await ledger.close(within: .zero)
                throw error
            }
            if others.isEmpty { return }
            if let other = others.first(where: { $0.seen > firstSeen[$0.epoch] ?? $0.seen }) {
                await ledger.close(within: Self.leavingTheOthers)
                throw StartError(
                    description: UnsharedDirectory.refusal("\(other.name) (epoch \(other.epoch))"),
                    status: .settingsWrong)
            }
            if firstSeen.isEmpty {
                front.ready()
                logger.notice(
                    "waiting to see whether another daemon works on this ledger, since the grants are in a directory",
                    LogField("other", "\(others[0].name)#\(others[0].epoch)"))
            }
            for other in others where firstSeen[other.epoch] == nil { firstSeen[other.epoch] = other.seen }
            await stop.wait(until: clock.now() + Self.lookInterval, by: clock)
        }
    }

    /// Several times in a heartbeat.
    private static let lookInterval = Duration.seconds(1)
}

/// Who works on the ledger besides this daemon.
final class OtherMembers: Sendable {
    // Written once, when the ledger is open, and read by whoever refreshes; under the lock.
    private let ledger = Lock<DatabaseLedger?>(nil)

    /// Whoever is refused at its start has ended by then.
    static let settlingTime = Duration.seconds(30)

    func connect(_ opened: DatabaseLedger) { ledger.withLock { $0 = opened } }

    static func isLive(_ member: ClusterMember) -> Bool {
        member.state.isLive && member.lag < DatabaseLedger.memberLifetime
    }

    /// One who has come to stay, by name and epoch.
    static func settled(of members: [ClusterMember], besides own: Int) -> String? {
        members.first {
            // By the database's clock alone.
            $0.epoch != own && isLive($0) && $0.seen + $0.lag - $0.started >= settlingTime
        }.map { "\($0.name) (epoch \($0.epoch))" }
    }

    func settled() async throws(LedgerError) -> String? {
        guard let opened = ledger.withLock({ $0 }), let own = opened.epoch else { return nil }
        return Self.settled(of: try await opened.members(), besides: own)
    }
}
