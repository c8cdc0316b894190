import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger

/// Which of two rows of a grant is the newer one, and what becomes of a lease that is gone.
@Suite struct RecentGrantsTests {
    private static let anna = AccountID("anna")
    private static let start = MonotonicTime(nanoseconds: 0)
    private static let later = start + .seconds(30)

    /// As a database has it that wrote it at that second.
    private func stored(_ version: Int64, at second: Int64, leaseLeft: Duration? = nil) -> SealedGrant {
        var grant = SealedGrant(
            account: Self.anna, sealed: [UInt8(version)], version: version, leaseLeft: leaseLeft)
        grant.writtenAt = Timestamp(milliseconds: second * 1_000)
        return grant
    }

    private func row(_ version: Int64, at second: Int64) -> RecentGrants.Row {
        RecentGrants.Row(
            sealed: [UInt8(version)], version: version, writtenAt: Timestamp(milliseconds: second * 1_000),
            knownAt: Self.start)
    }

    private func saved(_ version: Int64, over former: Int64, at second: Int64) -> RecentGrants {
        var recent = RecentGrants()
        recent.saved(Self.anna, row(version, at: second), over: former, at: Self.start)
        return recent
    }

    private func repair(
        _ recent: RecentGrants, _ stored: SealedGrant?, isAnother: Bool = true
    ) -> RecentGrants.Repair? {
        recent.repair(Self.anna, stored, isAnother: isAnother, at: Self.later)
    }

    @Test func anOlderRowGivesWayAndANewerOneDoesNot() {
        let recent = saved(2, over: 1, at: 100)
        #expect(repair(recent, stored(1, at: 50)) == RecentGrants.Repair(row: row(2, at: 100), over: 1))
        // Of a chain, all that are older.
        #expect(repair(recent, stored(9, at: 49))?.over == 9)
        #expect(repair(recent, stored(2, at: 100)) == nil)
        #expect(repair(recent, stored(3, at: 101)) == nil, "an operator has put in another one since")
    }

    @Test func ofWhatWasReplacedTheClockNeedNotSayThatItIsOlder() {
        // It was set back in between.
        let recent = saved(2, over: 1, at: 40)
        #expect(repair(recent, stored(1, at: 50))?.row == row(2, at: 40))
        #expect(repair(recent, stored(3, at: 50)) == nil)
    }

    @Test func whatIsNotThereStaysAway() {
        #expect(repair(saved(2, over: 1, at: 100), nil) == nil)
    }

    @Test func whatWasReadIsBroughtBackAsWellAndNothingOlderTakesItsPlace() {
        var recent = RecentGrants()
        recent.seen(stored(2, at: 100), at: Self.start)
        #expect(repair(recent, stored(1, at: 50))?.row == row(2, at: 100))
        // Read where that one is lost.
        recent.seen(stored(1, at: 50), at: Self.start)
        #expect(repair(recent, stored(1, at: 50))?.row == row(2, at: 100))
        recent.seen(stored(3, at: 101), at: Self.start)
        #expect(repair(recent, stored(2, at: 100))?.row == row(3, at: 101))
        var old = stored(5, at: 100)
        old.age = .seconds(61)
        var other = RecentGrants()
        other.seen(old, at: Self.start)
        #expect(other.accounts.isEmpty, "every standby has it")
    }

    @Test func aLeaseThatIsGoneIsTakenAgainForTheRowThatItWasTakenFor() {
        let lease = RecentGrants.LeaseTaken(fence: 7, version: 2, until: Self.later + .seconds(1))
        var recent = saved(2, over: 1, at: 100)
        recent.leased(Self.anna, lease, at: Self.start)
        let whole = RecentGrants.Repair(row: row(2, at: 100), over: 1, lease: lease, hasLostLease: true)
        #expect(repair(recent, stored(1, at: 50)) == whole)
        #expect(repair(recent, stored(2, at: 100))?.hasLostLease == true)
        let kept = repair(recent, stored(2, at: 100, leaseLeft: .seconds(1)))
        #expect(kept?.lease == lease && kept?.hasLostLease == false)
        #expect(repair(recent, stored(3, at: 101)) == nil, "it was taken for another row")
        #expect(repair(recent, stored(2, at: 100), isAnother: false) == nil, "no failover takes a lease away")
        recent.released(Self.anna, fence: 6, at: Self.start)
        #expect(repair(recent, stored(2, at: 100)) != nil)
        recent.released(Self.anna, fence: 7, at: Self.start)
        #expect(repair(recent, stored(2, at: 100)) == nil)
    }

    @Test func aLeaseThatEndedUnheardIsADoubtForWhoeverIsNext() {
        var recent = RecentGrants()
        let lease = RecentGrants.LeaseTaken(fence: 7, version: 1, until: Self.start + .seconds(29))
        recent.leased(Self.anna, lease, at: Self.start)
        #expect(repair(recent, stored(1, at: 50)) == RecentGrants.Repair(lease: lease))
    }

    @Test func noMoreIsKeptThanAMinute() {
        var recent = saved(2, over: 1, at: 100)
        recent.saved(AccountID("bob"), row(5, at: 200), over: 4, at: Self.start + .seconds(61))
        #expect(recent.accounts == [AccountID("bob")])
    }
}
