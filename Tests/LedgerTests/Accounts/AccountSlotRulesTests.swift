import Clocks
import Jobs
import Testing

@testable import Ledger

/// Which call of an account may begin that several workers share.
@Suite struct AccountSlotRulesTests {
    private static let start = Timestamp(milliseconds: 1_800_000_000_000)
    private static let lease = Duration.seconds(30)
    private static let job = JobID("job")

    /// The rows of one account, saved as a ledger saves them.
    private struct Account {
        var slots: [AccountSlot] = []
        var limits: AccountLimits
        var fences: Int64 = 0

        init(slots: Int = 1, perMinute: Int = 0) { limits = AccountLimits(slots: slots, perMinute: perMinute) }

        mutating func save(_ slot: AccountSlot?) {
            guard let slot else { return }
            slots.removeAll { $0.number == slot.number }
            slots.append(slot)
        }

        /// The fence of the claim, or why there is none.
        @discardableResult
        mutating func take(at now: Timestamp, for job: JobID = job) -> (fence: Int64, AccountSlot.Taken)? {
            fences += 1
            let ruling = AccountSlotRules.take(
                slots, for: job, fence: fences, callUntil: now + lease, limits: limits, at: now)
            guard case .taken(let slot, let taken) = ruling else { return nil }
            save(slot)
            return (fences, taken)
        }

        mutating func taken(at now: Timestamp) throws -> (fence: Int64, AccountSlot.Taken) {
            let taken = take(at: now)
            return try #require(taken)
        }

        func busy(at now: Timestamp) -> AccountBusy? {
            let ruling = AccountSlotRules.take(
                slots, for: job, fence: 99, callUntil: now + lease, limits: limits, at: now)
            return if case .busy(let busy) = ruling { busy } else { nil }
        }
    }

    // MARK: Slots

    @Test func aSlotIsTakenUntilTheCallWasHeard() throws {
        var account = Account()
        let (fence, taken) = try account.taken(at: Self.start)
        #expect(taken == AccountSlot.Taken(number: 0, earlierTAT: nil))
        #expect(account.slots.first?.busyFence == fence && account.slots.first?.busyUntil == Self.start + Self.lease)
        #expect(account.busy(at: Self.start + .seconds(1)) == .calls(endingBy: Self.start + Self.lease))
        account.save(AccountSlotRules.free(account.slots, fence: fence))
        #expect(account.busy(at: Self.start + .seconds(1)) == nil)
    }

    @Test func aSlotThatNobodyFreesIsFreeAfterTheLastMomentOfTheLease() throws {
        var account = Account()
        account.take(at: Self.start)
        #expect(account.busy(at: Self.start + Self.lease) != nil)
        #expect(account.busy(at: Self.start + Self.lease + .milliseconds(1)) == nil)
    }

    @Test func nobodyFreesTheSlotOfAnother() throws {
        var account = Account()
        let (old, taken) = try account.taken(at: Self.start)
        let later = Self.start + Self.lease + .seconds(1)
        account.take(at: later)
        #expect(AccountSlotRules.free(account.slots, fence: old) == nil)
        #expect(AccountSlotRules.withdraw(account.slots, fence: old, taken) == nil)
        #expect(account.busy(at: later) != nil)
    }

    @Test func asManyCallsBeginAsThereAreSlots() throws {
        var account = Account(slots: 3)
        let numbers = (0..<3).compactMap { _ in account.take(at: Self.start)?.1.number }
        #expect(Set(numbers) == [0, 1, 2])
        #expect(account.busy(at: Self.start) == .calls(endingBy: Self.start + Self.lease))
    }

    @Test func jobsBeginTheirSearchAtDifferentSlots() {
        let numbers = (0..<64).compactMap { number in
            var account = Account(slots: 4)
            return account.take(at: Self.start, for: JobID("job-\(number)"))?.1.number
        }
        #expect(Set(numbers) == [0, 1, 2, 3])
    }

    @Test func callsAboveALimitThatWasLoweredCount() throws {
        var account = Account(slots: 3)
        let fences = (0..<3).compactMap { _ in account.take(at: Self.start)?.fence }
        account.limits = AccountLimits(slots: 2, perMinute: 0)
        account.save(AccountSlotRules.free(account.slots, fence: fences[0]))
        #expect(account.busy(at: Self.start) != nil, "two are under way")
        account.save(AccountSlotRules.free(account.slots, fence: fences[1]))
        #expect(account.busy(at: Self.start) == nil)
    }

    // MARK: Rate

    /// Whoever asks gets a call as soon as the rules say; each is over at once.
    private static func calls(_ limits: AccountLimits, for time: Duration, ask: Duration) throws -> [Timestamp] {
        var account = Account()
        account.limits = limits
        var calls: [Timestamp] = []
        var now = start
        while now < start + time {
            while let (fence, _) = account.take(at: now, for: JobID("job-\(calls.count)")) {
                account.save(AccountSlotRules.free(account.slots, fence: fence))
                calls.append(now)
                try #require(calls.count < 100_000)
            }
            now = now + ask
        }
        return calls
    }

    @Test(arguments: [(1, 1), (1, 2), (1, 5), (1, 30), (1, 120), (3, 7), (4, 2), (8, 60), (8, 600)])
    func inNoMinuteThereAreMoreCallsThanTheLimit(slots: Int, perMinute: Int) throws {
        let limits = AccountLimits(slots: slots, perMinute: perMinute)
        for ask in [Duration.milliseconds(97), .seconds(7)] {
            let calls = try Self.calls(limits, for: .seconds(610), ask: ask)
            for (index, first) in calls.enumerated() where index + perMinute < calls.count {
                #expect(calls[index + perMinute] - first >= AccountLimits.minute)
            }
            // What a burst costs of the whole.
            if ask < .seconds(1) { #expect(calls.count > perMinute * 7, "\(calls.count)") }
        }
    }

    @Test func aQuarterOfTheMinuteMayBeginAtOnceAndTheRestComesEvenly() throws {
        let calls = try Self.calls(AccountLimits(slots: 1, perMinute: 20), for: .seconds(61), ask: .milliseconds(10))
        #expect(calls.prefix(5).allSatisfy { $0 == Self.start })
        let gaps = zip(calls.dropFirst(4), calls.dropFirst(5)).map { $1 - $0 }
        #expect(gaps.allSatisfy { $0 >= .milliseconds(3_800) && $0 <= .milliseconds(3_830) }, "\(gaps)")
        #expect(calls.count == 20)
    }

    @Test func whoHasSpentTheMinuteHearsWhenItGoesOn() throws {
        var account = Account(perMinute: 2)
        let (fence, _) = try account.taken(at: Self.start)
        account.save(AccountSlotRules.free(account.slots, fence: fence))
        guard case .rate(let until)? = account.busy(at: Self.start) else {
            Issue.record("its minute is spent")
            return
        }
        #expect(until == Self.start + .milliseconds(30_500))
        #expect(account.busy(at: until - .milliseconds(1)) == .rate(until: until))
        #expect(account.busy(at: until) == nil)
    }

    @Test func aWithdrawnClaimGivesItsPartOfTheMinuteBack() throws {
        var account = Account(perMinute: 1)
        let (fence, taken) = try account.taken(at: Self.start)
        account.save(AccountSlotRules.withdraw(account.slots, fence: fence, taken))
        #expect(account.slots == [AccountSlot(number: 0)])
        #expect(account.busy(at: Self.start) == nil)
    }

    // MARK: Refusals

    @Test func aRefusedAccountIsLeftAloneByAllLongerEachTimeUntilASuccess() {
        var account = Account(slots: 2)
        var now = Self.start
        var waits: [Duration] = []
        for _ in 0..<7 {
            let (slot, until) = AccountSlotRules.refuse(account.slots, .minute, atLeast: .zero, at: now)
            account.save(slot)
            waits.append(until - now)
            #expect(account.busy(at: until - .milliseconds(1)) == .refused(.minute, until: until))
            #expect(account.busy(at: until) == nil)
            now = until
        }
        #expect(waits == [30, 60, 120, 240, 480, 600, 600].map { .seconds($0) })
        account.save(AccountSlotRules.succeed(account.slots, at: now))
        let again = AccountSlotRules.refuse(account.slots, .concurrent, atLeast: .seconds(90), at: now)
        #expect(again.until == now + .seconds(90), "what the API asks for is the least")
    }

    @Test func severalThatAreRefusedAtOnceAreOneStep() {
        var account = Account(slots: 3)
        for minimum in [Duration.zero, .seconds(40), .zero] {
            account.save(AccountSlotRules.refuse(account.slots, .minute, atLeast: minimum, at: Self.start).slot)
        }
        #expect(account.busy(at: Self.start) == .refused(.minute, until: Self.start + .seconds(40)))
        #expect(account.slots.first?.step == 1)
    }

    @Test func aCallThatBeganBeforeTheRefusalEndsNoWait() {
        var account = Account(slots: 2)
        account.save(AccountSlotRules.refuse(account.slots, .minute, atLeast: .zero, at: Self.start).slot)
        #expect(AccountSlotRules.succeed(account.slots, at: Self.start + .seconds(1)) == nil)
        #expect(AccountSlotRules.succeed([], at: Self.start) == nil)
    }
}
