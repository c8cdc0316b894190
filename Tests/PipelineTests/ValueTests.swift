import AMQP
import Jobs
import Ledger
import Secrets
import Testing
import Threads

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
        #expect(queue.count == 50)
    }

    @Test func firstInIsFirstOutAndWhatComesBackIsFirst() {
        var queue = FIFO<Int>()
        for number in 0..<100 { queue.append(number) }
        #expect((0..<60).compactMap { _ in queue.popFirst() } == Array(0..<60))
        queue.prepend(7)
        #expect(queue.popFirst() == 7)
        #expect(queue.removeAll { $0 % 2 == 0 } == Array(stride(from: 60, to: 100, by: 2)))
        #expect(queue.count == 20 && queue.first == 61 && queue.last == 99)
    }
}

@Suite struct GateTests {
    private let account = AccountID("ann")
    private let wall = Timestamp(milliseconds: 1_000_000)

    @Test func itStartsWithOneCallAndDoublesWithEachSuccess() {
        var gate = Gate(concurrency: 32)
        var limits = [gate.limit(at: at(0))]
        for _ in 0..<6 {
            _ = gate.callAnswered(.success, of: account, wasProbe: false, at: at(0))
            limits.append(gate.limit(at: at(1)))
        }
        #expect(limits == [1, 2, 4, 8, 16, 32, 32])
    }

    @Test func silenceBeginsWithOneAgain() {
        var gate = Gate(concurrency: 8)
        for _ in 0..<4 { _ = gate.callAnswered(.success, of: account, wasProbe: false, at: at(0)) }
        gate.callBegan(at: at(0))
        #expect(gate.limit(at: at(600)) == 8)
        #expect(gate.limit(at: at(601)) == 1)
    }

    @Test func throttlingHalvesAndComesBackSlowly() {
        var gate = Gate(concurrency: 32)
        for _ in 0..<6 { _ = gate.callAnswered(.success, of: account, wasProbe: false, at: at(0)) }
        gate.throttle()
        #expect(gate.limit(at: at(0)) == 16)
        for _ in 0..<16 { _ = gate.callAnswered(.success, of: account, wasProbe: false, at: at(0)) }
        #expect(gate.limit(at: at(0)) == 17)
    }

    @Test func aHoldLetsOneProbeThroughAfterFiveMinutesAndDoublesToAnHour() {
        var gate = Gate(concurrency: 8)
        var now = at(0)
        #expect(gate.engage(.apiRetired, detail: "", wasProbe: false, at: now, wall: wall, random: 0) == .began)
        #expect(gate.limit(at: now) == 0)
        var waits: [Double] = []
        for _ in 0..<6 {
            let probe = gate.nextProbe ?? now
            waits.append((probe - now).inSeconds)
            #expect(gate.beginProbe(at: at((probe - at(0)).inSeconds - 1)) == false)
            now = probe
            #expect(gate.beginProbe(at: now) == true)
            #expect(gate.limit(at: now) == 1)
            let again = gate.engage(.apiRetired, detail: "", wasProbe: true, at: now, wall: wall, random: 0)
            #expect(again == .probeRefused)
        }
        #expect(waits == [300, 600, 1200, 2400, 3600, 3600])
        now = gate.nextProbe ?? now
        _ = gate.beginProbe(at: now)
        #expect(gate.callAnswered(.success, of: account, wasProbe: true, at: now).map(\.cause) == [.apiRetired])
        #expect(gate.limit(at: now) == 1, "slow start after it")
    }

    @Test func refusalsInFlightDoNotPutTheProbeOff() {
        var gate = Gate(concurrency: 8)
        _ = gate.engage(.apiRetired, detail: "", wasProbe: false, at: at(0), wall: wall, random: 0)
        let probe = gate.nextProbe
        let again = gate.engage(.apiRetired, detail: "", wasProbe: false, at: at(1), wall: wall, random: 0)
        #expect(again == .alreadyThere)
        #expect(gate.nextProbe == probe)
    }

    @Test func aHoldThatAnEventEndsIsNotProbed() {
        var gate = Gate(concurrency: 8)
        _ = gate.engage(.brokerBlocked, detail: "", wasProbe: false, at: at(0), wall: wall)
        #expect(gate.nextProbe == nil)
        #expect(gate.keepsDeliveries(at: at(0)), "what cannot be published is not handed back")
        #expect(gate.lift(.brokerBlocked)?.cause == .brokerBlocked)
        #expect(gate.lift(.brokerBlocked) == nil)
        #expect(gate.limit(at: at(0)) == 1)
    }

    @Test func aShortHoldKeepsItsDeliveriesAndALongOneDoesNot() {
        var gate = Gate(concurrency: 8)
        _ = gate.engage(.rateLimited, detail: "", wasProbe: false, at: at(0), wall: wall, random: 0)
        #expect(gate.keepsDeliveries(at: at(0)))
        _ = gate.engage(.apiRetired, detail: "", wasProbe: false, at: at(0), wall: wall, random: 0)
        #expect(!gate.keepsDeliveries(at: at(0)))
    }
}

@Suite struct BreakerTests {
    private var breaker = Breaker()

    private func job(_ number: Int) -> JobID { JobID("j\(number)") }

    @Test mutating func fiveUnsentCallsInARowOpenIt() {
        let four = (0..<4).map { _ in breaker.note(.noAnswer, of: job(1), at: at(0)) }
        #expect(!four.contains(true))
        _ = breaker.note(.healthy, of: job(1), at: at(0))
        let opens = (0..<5).map { _ in breaker.note(.noAnswer, of: job(1), at: at(0)) }
        #expect(opens == [false, false, false, false, true])
    }

    @Test mutating func fiveServerFaultsInARowOpenItIfTheyAreOfThreeJobsHoweverSlow() {
        let ofTwo = (0..<9).map { breaker.note(.serverFault, of: job($0 % 2), at: at(Double($0) * 3600)) }
        #expect(!ofTwo.contains(true))
        let third = breaker.note(.serverFault, of: job(2), at: at(40_000))
        #expect(third)
    }

    @Test mutating func halfOfTwentyCallsInHalfAMinuteOpenIt() {
        for number in 0..<19 {
            let opens = breaker.note(
                number % 2 == 0 ? .healthy : .serverFault, of: job(number), at: at(Double(number)))
            #expect(!opens)
        }
        let twentieth = breaker.note(.serverFault, of: job(19), at: at(19))
        #expect(twentieth)
    }

    @Test mutating func whatIsLongerAgoThanHalfAMinuteDoesNotCount() {
        for number in 0..<200 {
            let sign: Breaker.Sign = number % 2 == 0 ? .healthy : .serverFault
            let opens = breaker.note(sign, of: job(number), at: at(Double(number) * 2))
            #expect(!opens)
        }
    }
}

@Suite struct NeighboursTests {
    private var neighbours = Neighbours()

    private mutating func refuse(_ account: String, accounts: Int = 5, at second: Double = 0) -> Neighbours.Ruling {
        neighbours.refused(AccountID(account), .apiRetired, accounts: accounts, at: at(second))
    }

    @Test mutating func aRefusalIsTheJobsOwnWhileAnotherAccountSucceeds() {
        var rulings = [refuse("ann")]
        // Nobody is its own neighbour.
        neighbours.succeeded(AccountID("ann"), at: at(0))
        rulings.append(refuse("ann"))
        neighbours.succeeded(AccountID("bob"), at: at(1))
        neighbours.succeeded(AccountID("ann"), at: at(2))
        rulings += [refuse("ann", at: 601), refuse("ann", at: 602)]
        #expect(rulings == [.undecided, .undecided, .own, .undecided])
    }

    @Test mutating func fiveAccountsHoweverSlowlyAreTheWorld() {
        var rulings = (0..<4).map { refuse("a\($0)", at: Double($0) * 10_000) }
        // The same account again is no fifth.
        rulings += [refuse("a3", at: 50_000), refuse("a4", at: 90_000)]
        #expect(rulings == Array(repeating: .undecided, count: 5) + [.everybodys])
    }

    @Test mutating func aSuccessBetweenThemBeginsTheCountAnew() {
        for number in 0..<4 { _ = refuse("a\(number)") }
        neighbours.succeeded(AccountID("bob"), at: at(1))
        let ruling = refuse("a4", at: 700)
        #expect(ruling == .undecided)
    }

    @Test mutating func whatOftenHappensNeedsMoreAccounts() {
        let rulings = (0..<20).map { refuse("a\($0)", accounts: 20) }
        #expect(rulings == Array(repeating: .undecided, count: 19) + [.everybodys])
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

    @Test mutating func aPausedAccountWaitsUntilItIsResumed() {
        account.pause()
        account.succeeded()
        account.refuse(.minute, atLeast: .zero, at: at(0), wall: wall)
        #expect(account.wait?.cause == .paused)
        #expect(account.nextSlot(limit: 0, at: at(1_000_000)) != nil)
        let resumed = [account.resume(), account.resume()]
        #expect(resumed == [true, false])
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
private struct MemoryOfDays: Ledger {
    func count(of day: String) async throws(LedgerError) -> DayCount { DayCount(calls: 0, probes: 0) }

    func look(_ arrival: Arrival, at now: Timestamp) async throws(LedgerError) -> Finding { throw .closed }
    func claim(_ claim: Claim) async throws(LedgerError) -> ClaimAnswer { throw .closed }
    func record(_ record: Record) async throws(LedgerError) -> Int { throw .closed }
    func cancel(_ jobID: JobID, at now: Timestamp) async throws(LedgerError) -> Bool { throw .closed }
    func cancelForGood(
        _ jobID: JobID, newest generation: Int?, at now: Timestamp
    ) async throws(LedgerError) -> CancelAnswer { throw .closed }
    func finishCancelled(_ job: CancelledJob, result: StoredResult) async throws(LedgerError) -> Bool { throw .closed }
    func mark(_ part: PublishedPart, of jobID: JobID, generation: Int) {}
    func note(_ event: JobEvent) {}
    func unpublishedResults(after last: JobID?, limit: Int) async throws(LedgerError) -> [OwedResult] { [] }
    func overdue(before time: Timestamp, limit: Int) async throws(LedgerError) -> [OverdueJob] { [] }
    func finishLost(_ job: OverdueJob, result: StoredResult) async throws(LedgerError) -> Bool { throw .closed }
    func statistics() async throws(LedgerError) -> LedgerStatistics { throw .closed }
}
