import Clocks
import Concurrency
import Jobs
import Ledger
import PipelineHarness
import Secrets
import SharedLedger
import Testing

@testable import Pipeline

/// The day's calls of several members: never more than the limit, and nearly all of it.
@Suite(.timeLimit(.minutes(30))) struct SharedDayTests {
    /// Repeatable.
    private struct Dice: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 33)
        }
    }

    /// A member's budget over what the ledger counts, with what a claim does to both.
    private struct Member: Sendable {
        let cluster: MemoryCluster
        let budget: DayBudget
        let ledger: SharedMemoryLedger
    }

    private static let day = QuotaDay(name: "d", start: Harness.start, end: Harness.start + .seconds(86_400))

    private final class Site {
        let jobs = SharedJobs()
        let clock = ManualClock(start: Harness.start, activity: Activity())
        let cluster: SharedCluster
        let limit: Int
        let pace: Pace
        private var number = 0

        init(limit: Int, pace: Pace = .asap) {
            (self.limit, self.pace) = (limit, pace)
            cluster = SharedCluster(over: jobs, clock: clock)
        }

        func join() -> Member {
            let ledger = SharedMemoryLedger(jobs, clock: clock)
            let member = cluster.join(ledger)
            return Member(
                cluster: member,
                budget: DayBudget(limit: limit, pace: pace, cluster: member, quotaDay: { _ in SharedDayTests.day }),
                ledger: ledger)
        }

        func claim(_ member: Member, _ ticket: DayBudget.Ticket) async throws -> Bool {
            number += 1
            let arrival = Arrival(
                jobID: JobID("j\(number)"), account: AccountID("a"),
                tokenHash: ShareToken(Secret(copying: Array("t".utf8))).sha256, generation: 0,
                copy: 0, attempts: 0, isAmbiguous: false, firstSeen: clock.wall())
            let claim = Claim(
                arrival: arrival, kind: .call, day: ticket.day, at: clock.wall(), attempts: 0, isAmbiguous: false,
                presumesNew: true, allottedTo: ticket.allottedTo)
            if case .claimed = try await member.ledger.claim(claim) { return true }
            return false
        }

        func spent() async throws -> Int {
            guard let first = number > 0 ? SharedMemoryLedger(jobs, clock: clock) : nil else { return 0 }
            return try await first.count(of: "d").calls
        }
    }

    /// What a job does before its call. True if it may call.
    private func admitted(_ member: Member, isBulk: Bool = false, at now: Timestamp) async throws -> DayBudget.Ticket? {
        guard case .granted = try await member.budget.permission(isBulk: isBulk, at: now, ledger: member.ledger)
        else { return nil }
        return member.budget.take(isBulk: isBulk, mustBeWithin: true, at: now)
    }

    @Test(
        "four members that die at any moment make no call over the limit, and leave out less than one in two hundred",
        arguments: 1...20 as ClosedRange<UInt64>)
    func deaths(seed: UInt64) async throws {
        var dice = Dice(state: seed)
        let site = Site(limit: 10_000)
        var members = (0..<4).map { _ in site.join() }
        var calls = 0
        var refusals = 0
        while refusals < 400 {
            let which = Int.random(in: 0..<4, using: &dice)
            let member = members[which]
            let dies = Int.random(in: 0..<200, using: &dice) == 0
            guard let ticket = try await admitted(member, at: site.clock.wall()) else {
                refusals += 1
                // What others have no use for comes back to those who ask.
                site.clock.advance(to: site.clock.now() + .seconds(1))
                for other in members { await other.budget.giveBackIdle(at: site.clock.wall()) }
                continue
            }
            refusals = 0
            switch Int.random(in: 0..<20, using: &dice) {
            case 0: member.budget.settle(ticket, isClaimed: false)
            case 1 where dies: break
            default:
                if try await site.claim(member, ticket) {
                    calls += 1
                    member.budget.settle(ticket, isClaimed: true)
                }
            }
            #expect(calls <= 10_000)
            #expect(site.cluster.allotments(of: "d").allotted <= 10_000)
            if dies {
                site.cluster.noteEnd(of: member.cluster)
                members[which] = site.join()
            }
        }
        #expect(try await site.spent() == calls)
        #expect(calls >= 9_950, "\(calls)")
    }

    @Test("a member that is known to have ended claims nothing more, so that its part can be given to others")
    func ended() async throws {
        let site = Site(limit: 10)
        let (one, two) = (site.join(), site.join())
        let ticket = try #require(try await admitted(one, at: site.clock.wall()))
        site.cluster.noteEnd(of: one.cluster)
        await #expect(throws: LedgerError.self) { try await site.claim(one, ticket) }
        var calls = 0
        while let ticket = try await admitted(two, at: site.clock.wall()) {
            if try await site.claim(two, ticket) { calls += 1 }
        }
        #expect(calls == 10)
    }

    @Test("while another member has what is left, the day is not over")
    func elsewhere() async throws {
        let site = Site(limit: 1)
        let (one, two) = (site.join(), site.join())
        let now = site.clock.wall()
        let ticket = try #require(try await admitted(one, at: now))
        #expect(try await two.budget.permission(isBulk: false, at: now, ledger: two.ledger) == .soon(.seconds(1)))
        one.budget.settle(ticket, isClaimed: false)
        await one.budget.giveBackIdle(at: now + .seconds(4))
        #expect(try await two.budget.permission(isBulk: false, at: now, ledger: two.ledger) == .soon(.seconds(1)))
        await one.budget.giveBackIdle(at: now + .seconds(5))
        let taken = try #require(try await admitted(two, at: now))
        #expect(try await site.claim(two, taken))
        #expect(
            try await one.budget.permission(isBulk: false, at: now, ledger: one.ledger) == .spent(until: Self.day.end))
    }

    @Test("mass jobs of all members together keep to the pace of the day, and leave a tenth to the others")
    func pace() async throws {
        let site = Site(limit: 1_000, pace: .even)
        let members = [site.join(), site.join()]
        var bulk = 0
        for minute in 0..<(24 * 60) {
            let now = Harness.start + .seconds(60) * minute
            for member in members {
                while let ticket = try await admitted(member, isBulk: true, at: now) {
                    if try await site.claim(member, ticket) { bulk += 1 }
                    member.budget.settle(ticket, isClaimed: true)
                }
            }
            let fair = 900.0 * Double(minute) / (24 * 60)
            #expect(Double(bulk) <= fair + 12, "minute \(minute)")
            #expect(Double(bulk) >= fair - 12, "minute \(minute)")
        }
        #expect(bulk == 900)
        var others = 0
        let end = Harness.start + .seconds(86_399)
        for member in members {
            while let ticket = try await admitted(member, at: end) {
                if try await site.claim(member, ticket) { others += 1 }
            }
        }
        #expect(others == 100)
    }

    @Test("workers of a cluster with a day of calls make just so many, and hold then, all of them")
    func pipelines() async {
        let stage = ClusterStage(3, perDay: 20) { _, _, _, clock in
            await clock.sleep(for: .milliseconds(20))
            return .ok
        }
        stage.begin()
        for number in 0..<10 {
            for worker in 0..<3 { stage.submit("w\(worker)n\(number)", to: worker) }
        }
        await stage.advance(for: .seconds(60)) { stage.holding.allSatisfy { $0 == [.quotaDay] } }
        #expect(stage.holding.allSatisfy { $0 == [.quotaDay] })
        await stage.pass(.seconds(60))
        #expect(stage.allCalls.count == 20)
        await stage.end()
    }

    @Test func aLimitThatIsRaisedCountsThoughSomebodyAsksNoMore() async throws {
        let site = Site(limit: 2)
        let (one, two) = (site.join(), site.join())
        let now = site.clock.wall()
        for member in [one, two] {
            let ticket = try #require(try await admitted(member, at: now))
            let isClaimed = try await site.claim(member, ticket)
            #expect(isClaimed)
            member.budget.settle(ticket, isClaimed: true)
        }
        for member in [one, two] { #expect(try await admitted(member, at: now) == nil) }
        one.budget.adopt(limit: 4, pace: .asap)
        two.budget.adopt(limit: 4, pace: .asap)
        #expect(try await admitted(one, at: now) == nil, "the other has not said so yet")
        await two.budget.giveBackIdle(at: now)
        #expect(try await admitted(one, at: now) != nil)
    }

    /// Its first probe may come before the one that had the lower limit is known to have ended.
    @Test func whoBeginsWithAHigherLimitWhileTheDayIsSpentSeesWhenItCounts() async throws {
        let site = Site(limit: 1)
        let one = site.join()
        let now = site.clock.wall()
        let ticket = try #require(try await admitted(one, at: now))
        let isClaimed = try await site.claim(one, ticket)
        one.budget.settle(ticket, isClaimed: isClaimed)
        #expect(try await admitted(one, at: now) == nil)
        let two = site.join()
        two.budget.adopt(limit: 4, pace: .asap)
        #expect(await !two.budget.giveBackIdle(at: now, isHeld: true))
        site.cluster.noteEnd(of: one.cluster)
        #expect(await !two.budget.giveBackIdle(at: now + .seconds(4), isHeld: true), "it looks each five seconds")
        #expect(await two.budget.giveBackIdle(at: now + .seconds(5), isHeld: true))
        #expect(await !two.budget.giveBackIdle(at: now + .seconds(10), isHeld: true), "once for each limit")
        #expect(try await admitted(two, at: now + .seconds(11)) != nil)
    }

    @Test func aCallIsGivenBackToTheEpochThatItWasAllottedToAndToNoOther() throws {
        var state = DayBudget.State(limit: 9, pace: .asap)
        state.follow(1)
        state.credit.allotted = 1
        let taken = state.takeCredit(isBulk: false, day: "d", by: 1, at: Harness.start)
        let ticket = try #require(taken)
        #expect(ticket.allottedTo == 1)
        state.follow(2)
        state.giveBackCredit(ticket)
        #expect(state.credit.used == 0, "the others may have it by now")
        state.follow(1)
        state.credit.used = 1
        state.giveBackCredit(ticket)
        #expect(state.credit.used == 0)
    }

    @Test func aClaimOfWhatWasAllottedBeforeARejoiningIsRefused() async throws {
        let site = Site(limit: 10)
        let (one, two) = (site.join(), site.join())
        let ticket = try #require(try await admitted(one, at: site.clock.wall()))
        #expect(try await !site.claim(two, ticket))
    }

    @Test func whatAnAnswerSaidThatIsLostTheNextOneSays() async throws {
        let site = Site(limit: 1)
        let (one, two) = (site.join(), site.join())
        let now = site.clock.wall()
        one.cluster.loseNextAnswer()
        await #expect(throws: LedgerError.self) {
            try await one.budget.permission(isBulk: false, at: now, ledger: one.ledger)
        }
        #expect(site.cluster.allotments(of: "d").allotted == 1)
        #expect(try await two.budget.permission(isBulk: false, at: now, ledger: two.ledger) == .soon(.seconds(1)))
        #expect(try await admitted(one, at: now) != nil, "it has been allotted that call")
    }

    @Test func whoAsksNoMoreGivesBackWhatItNeverHeardOf() async throws {
        let site = Site(limit: 1)
        let (one, two) = (site.join(), site.join())
        let now = site.clock.wall()
        one.cluster.loseNextAnswer()
        _ = try? await one.budget.permission(isBulk: false, at: now, ledger: one.ledger)
        one.cluster.loseNextAnswer()
        for second in 5...6 as ClosedRange<Int> { await one.budget.giveBackIdle(at: now + .seconds(second)) }
        #expect(try await admitted(two, at: now) != nil)
    }

    @Test func whatMayHaveBeenClaimedAndWasNotIsLeftOnceNothingIsUnderWay() async throws {
        let site = Site(limit: 4)
        let member = site.join()
        let now = site.clock.wall()
        // One of four members' part.
        for _ in 0..<4 {
            let ticket = try #require(try await admitted(member, at: now))
            member.budget.lose(ticket)
        }
        #expect(try await site.spent() == 0)
        let ticket = try await admitted(member, at: now)
        #expect(ticket != nil, "nobody has spent anything")
    }

    @Test func callsWithoutALimitAreSpentWhenOneIsSet() async throws {
        let site = Site(limit: 0)
        let member = site.join()
        let now = site.clock.wall()
        for _ in 0..<3 {
            let ticket = try #require(member.budget.take(isBulk: false, mustBeWithin: true, at: now))
            #expect(ticket.allottedTo == nil)
            let isClaimed = try await site.claim(member, ticket)
            #expect(isClaimed)
            member.budget.settle(ticket, isClaimed: true)
        }
        member.budget.adopt(limit: 4, pace: .asap)
        let last = try #require(try await admitted(member, at: now))
        #expect(try await site.claim(member, last))
        member.budget.settle(last, isClaimed: true)
        #expect(try await admitted(member, at: now) == nil)
    }
}
