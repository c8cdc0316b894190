import AMQP
import Clocks
import Ledger
import Messages
import SQLiteLedger
import Secrets
import Testing

@testable import Jobs
@testable import Pipeline

func at(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(seconds * 1e9)) }

@Suite struct TurnTests {
    @Test func lanesTakeTurnsByWeightAndNoneStarves() {
        var turns = LaneTurns()
        let taken = (0..<900).compactMap { _ in turns.next { $0 != .broken } }
        let counts = Dictionary(grouping: taken, by: \.self).mapValues(\.count)
        #expect(counts == [.due: 400, .jobs: 400, .bulk: 100])
        // Never more than a round without bulk.
        var longest = 0
        var run = 0
        for lane in taken {
            run = lane == .bulk ? 0 : run + 1
            longest = max(longest, run)
        }
        #expect(longest <= 9)
    }

    @Test func aLaneAloneHasEveryTurn() {
        var turns = LaneTurns()
        #expect((0..<5).compactMap { _ in turns.next { $0 == .bulk } } == Array(repeating: .bulk, count: 5))
        #expect(turns.next { _ in false } == nil)
    }

    @Test func timersComeInOrder() {
        var queue = TimerQueue<Int>()
        for number in (0..<100).shuffled() { queue.schedule(number, at: at(Double(number))) }
        #expect(queue.earliest == at(0))
        var out: [Int] = []
        while let event = queue.popDue(at: at(49.5)) { out.append(event) }
        #expect(out == Array(0..<50))
        while let event = queue.popDue(at: at(99)) { out.append(event) }
        #expect(out == Array(0..<100) && queue.earliest == nil)
    }

    @Test func firstInIsFirstOutAndWhatComesBackIsFirst() {
        var queue = FIFO<Int>()
        for number in 0..<100 { queue.append(number) }
        #expect((0..<60).compactMap { _ in queue.popFirst() } == Array(0..<60))
        queue.prepend(7)
        #expect(queue.popFirst() == 7)
        #expect([60, 70, 99, 7].map { queue.remove($0) } == [1, 1, 1, 0])
        #expect(queue.count == 37 && queue.first == 61 && queue.last == 98)
    }
}

@Suite struct AccountQueueTests {
    private var account = AccountQueue()
    private let wall = Timestamp(milliseconds: 0)

    @Test mutating func aRefusedMinuteWaitsLongerEachTimeUntilASuccess() {
        var waits: [Double] = []
        for _ in 0..<7 {
            account.refuse(.minute, atLeast: .zero, at: at(0), wall: wall)
            waits.append(((account.nextSlot(limit: 0, at: at(0)) ?? at(0)) - at(0)).inSeconds)
        }
        #expect(waits == [30, 60, 120, 240, 480, 600, 600])
        account.succeeded()
        #expect(account.nextSlot(limit: 0, at: at(0)) == nil)
        account.refuse(.concurrent, atLeast: .seconds(90), at: at(0), wall: wall)
        #expect(account.nextSlot(limit: 0, at: at(0)) == at(90), "what the API asks for is the least")
    }

    @Test mutating func parkedJobsGetASlotEach() {
        let slots = (0..<4).map { _ in account.reserveSlot(limit: 30, callTime: .milliseconds(50), at: at(0)) }
        let gaps = zip(slots, slots.dropFirst()).map { ($1 - $0).inSeconds }
        #expect(gaps.allSatisfy { abs($0 - 61.0 / 30) < 0.001 })
        #expect(account.rememberedUntil(at: at(0)) == slots.last)
    }

    @Test mutating func aFaultIsThereBetweenItsWaitsTooAndAnOperatorEndsIt() {
        account.wait(.refused, for: .seconds(5), detail: "no", at: at(0), wall: wall)
        #expect(account.obstacle(at: at(1))?.until == at(5))
        account.forgetPassedWait(at: at(6))
        let tried = account.obstacle(at: at(6))
        #expect(tried?.cause == .refused && tried?.detail == "no" && tried?.until == nil)
        #expect(account.rememberedUntil(at: at(6)).map { $0 > at(3600) } == true, "its jobs are in a delay queue")
        #expect(account.obstacle(at: at(7205)) == nil, "none came back")
        let resumed = [account.resume(at: at(6)), account.resume(at: at(6))]
        #expect(resumed == [.refused, nil] && account.obstacle(at: at(6)) == nil)
    }

    @Test mutating func onlyItsOwnEndEndsAFault() {
        account.wait(.failing, for: .seconds(30), detail: "503", at: at(0), wall: wall)
        let ends = [account.endFault(.refused), account.endFault(.failing)]
        #expect(ends == [false, true] && account.wait == nil)
        account.wait(.failing, for: .seconds(30), detail: "503", at: at(40), wall: wall)
        #expect(account.succeeded() == .failing)
        #expect(account.succeeded() == nil && account.obstacle(at: at(40)) == nil)
    }

    @Test mutating func anAccountThatOthersCallForIsAskedForAfterACallsTimeAndThenLessAndLessOften() {
        var now = at(0)
        var waits: [Double] = []
        for _ in 0..<7 {
            account.isBusy(by: at(100), callTime: .milliseconds(80), at: now)
            let next = account.nextSlot(limit: 0, at: now) ?? now
            waits.append((next - now).inSeconds)
            now = next
        }
        #expect(waits == [0.08, 0.16, 0.32, 0.64, 1, 1, 1])
        account.isBusy(by: now + .milliseconds(200), callTime: .milliseconds(80), at: now)
        #expect(account.nextSlot(limit: 0, at: now) == now + .milliseconds(201), "one call is over then")
        account.isBusyNoMore()
        #expect(account.nextSlot(limit: 0, at: now) == nil)
        account.isBusy(by: at(100), callTime: .milliseconds(1), at: now)
        #expect(account.nextSlot(limit: 0, at: now) == now + .milliseconds(50), "it has claimed, and begins anew")
        account.isBusy(until: at(200))
        #expect(account.nextSlot(limit: 0, at: now) == at(200))
    }

    @Test mutating func aPausedAccountWaitsUntilItIsResumed() {
        account.pause()
        account.succeeded()
        account.refuse(.minute, atLeast: .zero, at: at(0), wall: wall)
        #expect(account.wait?.cause == .paused)
        #expect(account.nextSlot(limit: 0, at: at(1_000_000)) != nil)
        let resumed = [account.resume(at: at(0)), account.resume(at: at(0))]
        #expect(resumed == [.paused, nil])
        #expect(account.nextSlot(limit: 0, at: at(1_000_000)) == nil)
    }
}

@Suite struct DayBudgetTests {
    private let day = QuotaDay(
        name: "d", start: Timestamp(milliseconds: 0), end: Timestamp(milliseconds: 86_400_000))

    private func bulk(_ spent: Int, _ hours: Double) -> DayBudget.Permission {
        DayBudget.bulk(spent: spent, limit: 10_000, day: day, at: Timestamp(milliseconds: Int64(hours * 3_600_000)))
    }

    @Test func massJobsFollowTheDayAndLeaveATenth() {
        #expect(bulk(0, 0) == .granted)
        #expect(bulk(4_500, 12) == .granted)
        guard case .later(let time) = bulk(4_601, 12) else {
            Issue.record("it is ahead of the day")
            return
        }
        // A batch of fifty later: 4,651 - 100 of 9,000 is that part of the day.
        #expect(abs((time - day.start).inSeconds - 86_400 * 4_551 / 9_000) < 1)
        #expect(bulk(9_000, 23.9) == .later(day.end))
        #expect(bulk(8_999, 24) == .granted)
    }

    /// Twelve hours a day, so that the noon after is the next day's.
    private func budget(limit: Int) -> DayBudget {
        DayBudget(limit: limit, pace: .asap) { time in
            let number = time.milliseconds / 43_200_000
            return QuotaDay(
                name: "d\(number)", start: Timestamp(milliseconds: number * 43_200_000),
                end: Timestamp(milliseconds: (number + 1) * 43_200_000))
        }
    }

    /// A count of a day that began at a wrong clock's time would be of calls that belong to this one.
    @Test func aClockThatIsSetBackLeadsBackToItsDay() {
        let budget = budget(limit: 10)
        let (early, late) = (Timestamp(milliseconds: 1_000), Timestamp(milliseconds: 50_000_000))
        #expect(budget.dayName(at: early) == "d0")
        #expect(budget.dayName(at: late) == "d1")
        #expect(budget.mustCompareClocks(at: late))
        #expect(budget.dayName(at: early) == "d0")
        budget.comparedClocks(at: early)
        #expect(!budget.mustCompareClocks(at: early))
        #expect(budget.mustCompareClocks(at: late))
    }

    @Test func theLastCallOfADayIsTakenOnce() throws {
        let budget = budget(limit: 10)
        let now = Timestamp(milliseconds: 1_000)
        _ = budget.endDay(at: now)
        #expect(budget.take(isBulk: false, mustBeWithin: true, at: now) == nil)
        let second = try #require(budget.take(isBulk: false, mustBeWithin: false, at: now))
        #expect(budget.known(at: now)?.spent == 11, "the second half of what has begun")
        budget.settle(second, isClaimed: false)
        #expect(budget.known(at: now)?.spent == 10)
    }

    @Test func aDayIsNotOverWhileItsLastCallMayBeGivenBack() async throws {
        let budget = budget(limit: 1)
        let (now, ledger) = (Timestamp(milliseconds: 1_000), MemoryOfDays())
        #expect(try await budget.permission(isBulk: false, at: now, ledger: ledger) == .granted)
        let ticket = try #require(budget.take(isBulk: false, mustBeWithin: true, at: now))
        #expect(try await budget.permission(isBulk: false, at: now, ledger: ledger) == .granted)
        #expect(budget.take(isBulk: false, mustBeWithin: true, at: now) == nil, "and yet it is taken once")
        budget.settle(ticket, isClaimed: false)
        let again = try #require(budget.take(isBulk: false, mustBeWithin: true, at: now))
        budget.settle(again, isClaimed: true)
        #expect(try await budget.permission(isBulk: false, at: now, ledger: ledger) != .granted)
    }

    @Test func whatWasTakenYesterdayIsNotGivenBackToday() async throws {
        let budget = budget(limit: 5)
        let early = Timestamp(milliseconds: 1_000)
        let ticket = try #require(budget.take(isBulk: false, mustBeWithin: true, at: early))
        let late = early + .seconds(2 * 86_400)
        _ = try await budget.permission(isBulk: false, at: late, ledger: MemoryOfDays())
        _ = budget.take(isBulk: false, mustBeWithin: true, at: late)
        budget.settle(ticket, isClaimed: false)
        #expect(budget.known(at: late)?.spent == 1)
    }
}

/// A ledger of days on which nobody called.
private struct MemoryOfDays: JobLedger {
    func count(of day: String) async throws(LedgerError) -> DayCount { DayCount(calls: 0, albumQueries: 0) }

    func lookUp(_ arrival: Arrival, at now: Timestamp) async throws(LedgerError) -> LookupResult { throw .closed }
    func claim(_ claim: Claim) async throws(LedgerError) -> ClaimAnswer { throw .closed }
    func record(
        _ record: Record, under lease: Lease?, isUnheard: Bool
    ) async throws(LedgerError) -> Recorded { throw .closed }
    func withdraw(
        _ lease: Lease, of jobID: JobID, kind: Claim.Kind, day: String
    ) async throws(LedgerError) { throw .closed }
    func cancel(_ jobID: JobID, at now: Timestamp) async throws(LedgerError) -> Bool { throw .closed }
    func cancelForGood(
        _ jobID: JobID, newest generation: Int?, at now: Timestamp
    ) async throws(LedgerError) -> CancelAnswer { throw .closed }
    func finishCancelled(_ job: CancelledJob, result: StoredResult) async throws(LedgerError) -> Bool { throw .closed }
    func mark(_ part: PublishedPart, of jobID: JobID, generation: Int) {}
    func note(_ event: JobEvent) {}
    func unpublishedResults(after last: JobID?, limit: Int) async throws(LedgerError) -> [UnpublishedResult] { [] }
    func overdue(before time: Timestamp, limit: Int) async throws(LedgerError) -> [OverdueJob] { [] }
    func finishLost(_ job: OverdueJob, result: StoredResult) async throws(LedgerError) -> Bool { throw .closed }
    func knowsSuccess() async throws(LedgerError) -> Bool { true }
    func statistics() async throws(LedgerError) -> LedgerStatistics { throw .closed }
}

@Suite struct DelayQueueTests {
    private let schedule = RetrySchedule(delays: [.seconds(5), .seconds(30)], maxAttempts: 10)

    @Test("A wait that a queue fits but for the recording goes through that queue, not through a shorter one")
    func almost() {
        #expect(schedule.queue(for: .milliseconds(29_990)) == .seconds(30))
        #expect(schedule.queue(for: .milliseconds(29_800)) == .seconds(5))
        #expect(schedule.queue(for: .milliseconds(4_800)) == nil)
    }
}
