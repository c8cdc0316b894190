import Ledger
import Testing

/// Who is given how much of a cluster's day, as transcripts.
@Suite final class DayAllotmentsTests {
    private var allotments = DayAllotments()
    private var spent: [Int64: Int] = [:]
    private var alive: Set<Int64> = [1, 2, 3, 4]

    private func ask(_ member: Int64, limit: Int = 10_000, bulkCeiling: Int? = nil) -> Int {
        allotments.apply(
            DayRequest(day: "d", limit: limit, bulkCeiling: bulkCeiling), by: member, alive: alive, spent: spent
        ).calls
    }

    private func giveBack(_ member: Int64, _ calls: Int, bulk: Int = 0) {
        var request = DayRequest(day: "d", limit: 10_000, isAsking: false)
        (request.returned, request.returnedBulk) = (calls, bulk)
        _ = allotments.apply(request, by: member, alive: alive, spent: spent)
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
        giveBack(1, 50)
        #expect(allotments.allotted == 950)
        #expect(ask(2, limit: 1_000) == 3)
    }

    @Test("nobody gives back what it has spent")
    func returned() {
        #expect(ask(1) == 50)
        spent[1] = 30
        giveBack(1, 40)
        #expect(allotments.shares[1]?.allotted == 30)
    }

    @Test("mass jobs are given no more than they may have made by now, and the rest is for others")
    func bulk() {
        #expect(ask(1, limit: 1_000, bulkCeiling: 60) == 50)
        #expect(ask(2, limit: 1_000, bulkCeiling: 60) == 10)
        #expect(ask(3, limit: 1_000, bulkCeiling: 60) == 0)
        #expect(ask(3, limit: 1_000) == 50)
        #expect(allotments.allottedBulk == 60 && allotments.allotted == 110)
        giveBack(1, 0, bulk: 5)
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

    @Test("what changes nothing raises no revision")
    func revision() {
        while ask(1, limit: 10) > 0 {}
        let revision = allotments.revision
        #expect(ask(1, limit: 10) == 0 && allotments.revision == revision)
    }
}
