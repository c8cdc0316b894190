import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What of an account's calls and waits is written again, and what is the others' by now.
@Suite struct RecentAccountsTests {
    private static let anna = AccountID("anna")
    private static let start = MonotonicTime(nanoseconds: 0)

    private static func second(_ number: Int64) -> Timestamp { Timestamp(milliseconds: number * 1_000) }

    private func slot(_ fence: Int64?, until: Int64? = nil, tat: Int64? = nil) -> AccountSlot {
        var slot = AccountSlot(number: 0)
        (slot.busyFence, slot.busyUntil) = (fence, until.map(Self.second))
        slot.tat = tat.map(Self.second)
        return slot
    }

    private func waiting(until: Int64?, step: Int) -> AccountSlot {
        var slot = AccountSlot(number: 0)
        (slot.waitUntil, slot.waitCause, slot.step) = (until.map(Self.second), until.map { _ in .minute }, step)
        return slot
    }

    private func noted(_ changes: (AccountSlot, AccountSlot)..., taken: Set<Int64> = [7]) -> RecentAccounts {
        var recent = RecentAccounts()
        for (before, after) in changes {
            let change = AccountChange(account: Self.anna, before: before, after: after, isNew: false)
            recent.note([change], taken: taken, refused: [Self.anna], at: Self.start)
        }
        return recent
    }

    /// At second 100.
    private func repaired(_ recent: RecentAccounts, _ stored: AccountSlot?) -> AccountSlot? {
        recent.repair(Self.anna, stored.map { [$0] } ?? [], at: Self.second(100)).first?.after
    }

    @Test func aCallTakesItsSlotFromAnEarlierOneAndFromNoLaterOne() {
        let recent = noted((slot(nil), slot(7, until: 130)))
        #expect(repaired(recent, nil) == slot(7, until: 130))
        #expect(repaired(recent, slot(6, until: 120)) == slot(7, until: 130))
        #expect(repaired(recent, slot(7, until: 130)) == nil)
        #expect(repaired(recent, slot(8, until: 140)) == nil)
    }

    @Test func aClaimThatCameToNothingHasNoSlot() {
        #expect(repaired(noted((slot(nil), slot(7, until: 130)), taken: []), slot(nil)) == nil)
    }

    @Test func aCallThatWasHeardFreesNothingButItsOwn() {
        let recent = noted((slot(nil), slot(7, until: 130)), (slot(7, until: 130), slot(nil)))
        #expect(repaired(recent, slot(7, until: 130)) == slot(nil))
        #expect(repaired(recent, slot(6, until: 130)) == nil)
    }

    @Test func theRateOfAnAccountIsNotOverrun() {
        let recent = noted((slot(nil, tat: 90), slot(7, until: 130, tat: 110)))
        #expect(repaired(recent, slot(nil, tat: 90)) == slot(7, until: 130, tat: 110))
        #expect(repaired(recent, slot(7, until: 130, tat: 115)) == nil)
    }

    @Test func aWaitGetsLongerAndNeverShorter() {
        let recent = noted((waiting(until: nil, step: 0), waiting(until: 160, step: 1)))
        #expect(repaired(recent, nil) == waiting(until: 160, step: 1))
        #expect(repaired(recent, waiting(until: 130, step: 3)) == waiting(until: 160, step: 3))
        #expect(repaired(recent, waiting(until: 170, step: 1)) == nil)
    }

    @Test func aWaitThatIsOverIsNotBroughtBack() {
        #expect(repaired(noted((waiting(until: nil, step: 0), waiting(until: 100, step: 1))), nil) == nil)
        let ended = noted(
            (waiting(until: nil, step: 0), waiting(until: 160, step: 1)),
            (waiting(until: 160, step: 1), waiting(until: nil, step: 0)))
        #expect(repaired(ended, waiting(until: nil, step: 0)) == nil)
    }
}
