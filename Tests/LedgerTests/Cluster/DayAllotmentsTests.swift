import Ledger
import Testing

/// Who is given how much of a cluster's day, as transcripts.
@Suite final class DayAllotmentsTests {
    private var allotments = DayAllotments()
    private var spent: [Int64: Int] = [:]
    private var alive: Set<Int64> = [1, 2, 3, 4]

    /// What the member has been told of.
    private var known: [Int64: DayAllotments.Share] = [:]

    /// How many calls the member gets that has used all that it knows of.
    private func ask(_ member: Int64, limit: Int = 10_000, bulkCeiling: Int? = nil) -> Int {
        let before = known[member] ?? DayAllotments.Share(limit: limit)
        let share = answer(
            DayRequest(
                day: "d", limit: limit, bulkCeiling: bulkCeiling, used: before.allotted, usedBulk: before.allottedBulk),
            member
        ).share
        known[member] = share
        return share.allotted - before.allotted
    }

    private func answer(_ request: DayRequest, _ member: Int64) -> DayAnswer {
        allotments.apply(request, by: member, alive: alive, spent: spent)
    }

    private func giveBack(_ member: Int64, used: Int, usedBulk: Int = 0) {
        var request = DayRequest(day: "d", limit: 10_000, isAsking: false, used: used, usedBulk: usedBulk)
        request.givesBack = true
        known[member] = answer(request, member).share
    }

    @Test("blocks are of fifty as long as much is left, and of one at the end, and their sum is the limit")
    func blocks() {
        var blocks: [Int] = []
        var member: Int64 = 0
        while true {
            let block = ask(member % 4 + 1, limit: 1_000)
            guard block > 0 else { break }
            blocks.append(block)
            member += 1
        }
        #expect(blocks.first == 50 && blocks.suffix(16).allSatisfy { $0 == 1 })
        #expect(blocks == blocks.sorted(by: >))
        #expect(blocks.reduce(0, +) == 1_000 && allotments.allotted == 1_000)
    }

    @Test("what a dead member has not spent is the others' again, and what it has is not")
    func dead() {
        #expect(ask(1) == 50)
        spent[1] = 20
        alive = [2, 3, 4]
        #expect(ask(2) == 50)
        #expect(allotments.shares[1]?.allotted == 20 && allotments.allotted == 70)
    }

    @Test("a member that lives keeps what it was allotted, however long it does nothing")
    func idle() {
        #expect(ask(1) == 50)
        for _ in 0..<1_000 { _ = ask(2, limit: 1_000) }
        #expect(allotments.shares[1]?.allotted == 50 && allotments.shares[2]?.allotted == 950)
        giveBack(1, used: 0)
        #expect(allotments.allotted == 950)
        #expect(ask(2, limit: 1_000) == 3)
    }

    @Test("nobody gives back what it has spent")
    func returned() {
        #expect(ask(1) == 50)
        spent[1] = 30
        giveBack(1, used: 10)
        #expect(allotments.shares[1]?.allotted == 30)
    }

    @Test("mass jobs are given no more than they may have made by now, and the rest is for others")
    func bulk() {
        #expect(ask(1, limit: 1_000, bulkCeiling: 60) == 50)
        #expect(ask(2, limit: 1_000, bulkCeiling: 60) == 10)
        #expect(ask(3, limit: 1_000, bulkCeiling: 60) == 0)
        #expect(ask(3, limit: 1_000) == 50)
        #expect(allotments.allottedBulk == 60 && allotments.allotted == 110)
        giveBack(1, used: 45, usedBulk: 45)
        #expect(ask(3, limit: 1_000, bulkCeiling: 60) == 5)
    }

    @Test("the lowest limit that a live member has set counts for all")
    func limits() {
        #expect(ask(1, limit: 10) == 1)
        for _ in 0..<20 { _ = ask(2, limit: 1_000) }
        #expect(allotments.allotted == 10)
        alive = [2, 3, 4]
        spent[1] = 1
        #expect(ask(2, limit: 1_000) == 50)
    }

    /// Whose old limit was the lowest has raised it, or has ended: nobody asks in a hold, so whoever looks is told.
    @Test func aDayThatWasSpentIsOpenAgainWithAHigherLimitUntilSomebodyHasCallsOfIt() {
        func look(_ member: Int64, limit: Int) -> DayAnswer {
            answer(DayRequest(day: "d", limit: limit, isAsking: false), member)
        }
        #expect(!look(2, limit: 5).isOpenAgain)
        for _ in 0..<5 { #expect(ask(1, limit: 5) == 1) }
        spent[1] = 5
        #expect(ask(1, limit: 5) == 0 && !look(1, limit: 5).isOpenAgain)
        #expect(!look(3, limit: 100).isOpenAgain, "the others' is lower")
        #expect(!look(1, limit: 100).isOpenAgain)
        alive = [1, 3]
        #expect(look(3, limit: 100).isOpenAgain && look(1, limit: 100).isOpenAgain)
        #expect(ask(3, limit: 100) > 0)
        #expect(!look(1, limit: 100).isOpenAgain, "if it ends now, the API says so, and that is for its probes")
    }

    @Test func whatWasSpentWithoutALimitIsSpentOfTheNextLimit() {
        spent = [1: 600, 7: 390]
        #expect(ask(2, limit: 1_000) == 1 && allotments.allotted == 991)
        for _ in 0..<20 { _ = ask(3, limit: 1_000) }
        #expect(allotments.allotted == 1_000, "of one who lives and of one who does not")
    }

    @Test func noLimitIsNotTheLowestOne() {
        #expect(ask(1, limit: 5) == 1)
        _ = answer(DayRequest(day: "d", limit: 0, isAsking: false), 2)
        #expect(ask(1, limit: 5) == 1)
    }

    @Test func whoNeverHeardOfItsAllotmentHearsOfItWhenItAsksAgain() {
        let request = DayRequest(day: "d", limit: 10_000)
        #expect(answer(request, 1).share.allotted == 50)
        _ = ask(2)
        #expect(answer(request, 1).share.allotted == 50, "the same, and no more")
        #expect(allotments.allotted == 100)
    }

    @Test func whatIsGivenBackTwiceIsGivenBackOnce() {
        #expect(ask(1) == 50)
        giveBack(1, used: 20)
        #expect(ask(1) == 50)
        giveBack(1, used: 60)
        giveBack(1, used: 60)
        #expect(allotments.shares[1]?.allotted == 60)
    }

    @Test func whatWasSpentWithoutALimitIsNoAllotmentThatIsLeft() {
        spent[1] = 30
        #expect(answer(DayRequest(day: "d", limit: 100, used: 30), 1).share.allotted == 34, "four are new")
        #expect(answer(DayRequest(day: "d", limit: 100, used: 34), 2).ownSpent == 0)
    }

    @Test func atTheEndOfTheDayAnyJobMayHaveWhatMassJobsWereAllotted() {
        #expect(ask(1, limit: 8, bulkCeiling: 8) == 1)
        alive = [1]
        while ask(1, limit: 8, bulkCeiling: 8) > 0 {}
        let share = answer(DayRequest(day: "d", limit: 8, used: 5, usedBulk: 5), 1).share
        #expect(share.allotted == 8 && share.allottedBulk == 7)
        let again = answer(DayRequest(day: "d", limit: 8, used: 5, usedBulk: 5), 1).share
        #expect(again == share, "it has one now")
    }

    @Test("what changes nothing raises no revision")
    func revision() {
        while ask(1, limit: 10) > 0 {}
        let revision = allotments.revision
        #expect(ask(1, limit: 10) == 0 && allotments.revision == revision)
    }
}
