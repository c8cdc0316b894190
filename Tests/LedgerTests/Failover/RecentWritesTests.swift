import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger

@Suite struct RecentWritesTests {
    private static let now = MonotonicTime(nanoseconds: 1_000_000_000)
    private static let id = JobID("job-1")

    private static func row(revision: Int, copy: Int = 0, fence: Int64 = 7, isFinished: Bool = false) -> LedgerRow {
        var row = LedgerRow(Sample.arrival(), after: nil, at: Sample.start)
        (row.revision, row.copy, row.fence, row.isFinished) = (revision, copy, fence, isFinished)
        return row
    }

    private static func stored(_ row: LedgerRow?) -> StoredJob {
        var stored = StoredJob()
        (stored.row, stored.revision) = (row, row?.revision ?? 0)
        return stored
    }

    private static func plan(
        _ before: LedgerRow?, _ after: LedgerRow, calls: Int = 0, result: String? = nil, id: JobID = id
    ) -> JobPlan {
        var plan = JobPlan(id, stored(before))
        plan.after = stored(after)
        if calls > 0 { plan.counts[MemberDay(day: "d", epoch: 1)] = DayCount(calls: calls, albumQueries: 0) }
        plan.countedAt = Sample.start
        if let result {
            plan.after.results[0] = ResultRecord(result: Sample.result(body: result), isPublished: false)
            plan.newResults = [0]
        }
        return plan
    }

    private static let claimed = row(revision: 1)
    private static let ended = row(revision: 2, isFinished: true)

    private var both: RecentWrites {
        var recent = RecentWrites()
        recent.note(Self.plan(nil, Self.claimed, calls: 1), at: Self.now)
        recent.note(Self.plan(Self.claimed, Self.ended, result: "a"), at: Self.now)
        return recent
    }

    @Test func whatIsThereIsLeftAlone() {
        var there = Self.stored(Self.ended)
        there.results[0] = ResultRecord(result: Sample.result(body: "a"), isPublished: true)
        #expect(both.repair(Self.id, there) == nil)
        // Somebody has written since.
        there.row?.revision = 9
        there.revision = 9
        #expect(both.repair(Self.id, there) == nil)
        #expect(both.repair(JobID("other"), StoredJob()) == nil)
    }

    @Test func whatIsGoneIsWrittenAsItWasWithWhatWasCounted() throws {
        let all = try #require(both.repair(Self.id, StoredJob()))
        #expect(all.lost == 2)
        let plan = try #require(all.plan)
        #expect(plan.after.row == Self.ended && plan.before.revision == 0 && plan.newResults == [0])
        #expect(plan.after.results[0]?.result.body == Array("a".utf8) && plan.after.results[0]?.isPublished == false)
        #expect(plan.counts[MemberDay(day: "d", epoch: 1)]?.calls == 1)

        let last = try #require(both.repair(Self.id, Self.stored(Self.claimed)))
        #expect(last.lost == 1 && last.plan?.after.row == Self.ended && last.plan?.counts.isEmpty == true)
    }

    @Test func theOrderInWhichMembersWriteTheirsMakesNoDifference() throws {
        // One ended generation 0, and another claimed generation 1 after it.
        var redriven = Self.row(revision: 3, fence: 8)
        redriven.generation = 1
        var other = RecentWrites()
        other.note(Self.plan(Self.ended, redriven), at: Self.now)
        func write(_ members: [RecentWrites]) throws -> StoredJob {
            var stored = StoredJob()
            for member in members {
                guard let plan = member.repair(Self.id, stored)?.plan else { continue }
                let isPublished = stored.results.mapValues(\.isPublished)
                stored = plan.after
                for (generation, flag) in isPublished { stored.results[generation]?.isPublished = flag }
            }
            return stored
        }
        let (one, two) = (try write([both, other]), try write([other, both]))
        for stored in [one, two] {
            #expect(stored.row?.fence == 8 && stored.row?.generation == 1)
            #expect(stored.results[0]?.result.body == Array("a".utf8))
        }
        #expect(two.revision > one.revision, "a result came to a newer row, whoever reads it sees that it has changed")
    }

    @Test func aJobThatSomebodyElseHasWrittenSinceIsCountedAndStays() {
        let theirs = Self.stored(Self.row(revision: 2, fence: 99))
        let repair = both.repair(Self.id, theirs)
        #expect(repair?.lost == 1 && repair?.plan == nil)
    }

    @Test func onADatabaseThatHasNotFailedOverAJobThatIsGoneWasForgotten() {
        #expect(both.repair(Self.id, StoredJob(), isAnother: false) == nil)
        #expect(both.repair(Self.id, Self.stored(Self.row(revision: 2, fence: 99)), isAnother: false) == nil)
        #expect(both.repair(Self.id, Self.stored(Self.claimed), isAnother: false)?.lost == 1, "it was not flushed")
    }

    @Test func nothingIsKeptForLongerThanAMinuteOrWithoutBounds() {
        var recent = both
        #expect(!recent.ids.isEmpty)
        let later = Self.now + RecentTable<JobID, StoredJob>.age + .milliseconds(1)
        recent.note(Self.plan(nil, Self.claimed, id: JobID("job-2")), at: later)
        #expect(recent.ids == [JobID("job-2")])
        for number in 0..<(RecentWrites.mostJobs + 10) {
            recent.note(Self.plan(nil, Self.claimed, id: JobID("n\(number)")), at: later)
        }
        #expect(recent.ids.count == RecentWrites.mostJobs && !recent.ids.contains(JobID("job-2")))
        let large = String(repeating: "x", count: RecentWrites.mostBytes / 2)
        for number in 0..<3 {
            recent.note(Self.plan(Self.claimed, Self.ended, result: large, id: JobID("l\(number)")), at: later)
        }
        #expect(recent.ids.count < 4 && recent.ids.contains(JobID("l2")))
    }
}
