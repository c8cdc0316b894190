import Clocks
import Jobs

/// The rounds of jobs that test the holds.
extension Gate {
    /// When there is something to be done though nothing happens.
    func nextCheck(at now: MonotonicTime) -> MonotonicTime? {
        heldCauses.nextCheck(at: now)
    }

    /// Begins a round whose time has come, and ends one that is over. `isCalling`: a probe is in flight; `hasUntried`:
    /// a job that has not failed is in flight.
    mutating func advance(isCalling: Bool, hasUntried: Bool, at now: MonotonicTime, wall: Timestamp) {
        heldCauses.advance(isCalling: isCalling, hasUntried: hasUntried, at: now, wall: wall)
    }

    /// Begins a round at once. False if no hold is tested by jobs.
    mutating func probeNow(at now: MonotonicTime, wall: Timestamp) -> Bool { heldCauses.probeNow(at: now, wall: wall) }

    /// A delivery came that may be tried.
    mutating func delivered(_ job: JobID, at now: MonotonicTime) { heldCauses.delivered(job, at: now) }

    /// The account's job is the next probe.
    mutating func chose(_ account: AccountID, at now: MonotonicTime) { heldCauses.chose(account, at: now) }
}
