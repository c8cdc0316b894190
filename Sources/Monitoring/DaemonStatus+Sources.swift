package import AMQP
import Jobs
package import Ledger
package import Operations
package import Pipeline

/// The modules' numbers as the status has them.
extension DaemonStatus.Link {
    package init(_ name: String, _ reading: LinkReading) {
        self.init(
            name: name, endpoint: reading.endpoint, isConnected: reading.isConnected, isBlocked: reading.isBlocked,
            reconnects: reading.reconnects, unconfirmed: reading.unconfirmed,
            staleSettlements: reading.staleSettlements, abandonedDeliveries: reading.abandonedDeliveries)
    }
}

extension DaemonStatus.Hold {
    package init(_ hold: Hold) {
        self.init(
            cause: hold.cause.rawValue, since: hold.since, nextProbeAt: hold.nextProbeAt, detail: hold.detail,
            tried: hold.nextProbeAt == nil ? nil : hold.refusedProbes, ended: hold.ended.map(\.string))
    }
}

extension DaemonStatus.Ledger {
    package init(_ statistics: LedgerStatistics, of ledger: any LedgerKeeping) {
        self.init(
            kind: ledger.kind.rawValue, place: ledger.place, member: ledger.member,
            differingSettings: ledger.sharedReading?.differing.map(\.description) ?? [], entries: statistics.entries,
            open: statistics.open, ambiguous: statistics.ambiguous, calling: statistics.calling ?? 0,
            unpublished: statistics.unpublished, overdue: statistics.overdue, bytes: statistics.bytes,
            diskFreeBytes: statistics.diskFreeBytes,
            lastBackupAt: statistics.lastBackupAt, isEstimated: statistics.isEstimated)
    }
}
