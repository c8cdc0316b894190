import Clocks
import Jobs
import Ledger

/// What the ledger's thread works with, and whom it calls.
struct PostgresLoopParts: Sendable {
    let configuration: PostgresConfiguration
    let durations: LeaseDurations
    /// The machine's own.
    let clock: any TimeSource
    let clusterClock: ClusterClock
    /// What the database said it is when the ledger was opened.
    let identity: LedgerIdentity
    let gauge: PostgresGauge
    let onHealth: @Sendable (LedgerHealth) -> Void
    let onBehind: @Sendable (Arrival) -> Void
    let onDiffering: @Sendable ([DifferingSetting]) -> Void
    /// What this process has heard of what all share.
    let shared: ClusterMemory
    /// As a process before this one knew it; nil: none did.
    var lastTimeline: Int?
    /// Where this process has grants in the ledger as well.
    var grants: GrantMemory?
    var heartbeatInterval = MemberStatements.heartbeatInterval
    var lifetime = MemberStatements.lifetime
    /// Of one batch. Shorter than a member's lifetime, so that a heartbeat which is lost is followed by another before the
    /// others take the member for dead; no call's safety rests on it.
    var batchTimeout = Duration.seconds(8)
}
