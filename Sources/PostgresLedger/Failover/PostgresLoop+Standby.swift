import Ledger

/// That claims outlive a failover, where they have to.
extension PostgresLoop {
    /// At each heartbeat, and first of all over a new connection.
    mutating func requireStandby() throws(PostgresError) {
        guard case .required = parts.configuration.standbys, membership != nil else { return }
        let found = try ask(StandbyDemand.question)
        guard found != failover.standbyMissing else { return }
        failover.standbyMissing = found
        if let found {
            backlog.refuseWhatIsNotKept(.unavailable(found), besides: jobsUnderWay)
            parts.onHealth(.comparing(found))
        } else if case .healthy = condition {
            parts.onHealth(failover.refusal.map { .comparing($0) } ?? .available)
        }
    }
}
