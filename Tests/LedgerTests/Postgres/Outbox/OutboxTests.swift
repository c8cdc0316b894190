import Clocks
import Jobs
import Testing

@testable import PostgresLedger

/// Numbers are taken, and given back when a result is published or was not written; the watermark follows the oldest that
/// is out.
@Suite struct OutboxTests {
    private static func at(_ milliseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: milliseconds * 1_000_000)
    }

    /// With so many results, each written.
    private static func outbox(_ count: Int) -> Outbox {
        var outbox = Outbox(owner: 7, isUsed: true)
        for number in 0..<count { _ = outbox.number(JobID("job-\(number)"), 0) }
        outbox.noteWritten(1, at: at(0))
        return outbox
    }

    private static func publish(_ number: Int, of outbox: inout Outbox, at time: Int64 = 0) -> Bool {
        outbox.publish(JobID("job-\(number)"), 0, at: at(time))
    }

    @Test func theFirstResultBringsTheRow() {
        var outbox = Outbox(owner: 7, isUsed: true)
        #expect(outbox.watermark(hasResults: false, isAsked: true, at: Self.at(0)) == nil)
        #expect(outbox.number(JobID("a"), 0) == 1)
        #expect(outbox.watermark(hasResults: true, isAsked: false, at: Self.at(0)) == 1)
        outbox.noteWritten(1, at: Self.at(0))
        #expect(outbox.number(JobID("b"), 0) == 2)
        #expect(outbox.watermark(hasResults: true, isAsked: false, at: Self.at(0)) == nil)
    }

    @Test func theWatermarkPassesNothingThatIsUnpublished() {
        var outbox = Self.outbox(3)
        #expect(Self.publish(1, of: &outbox) && Self.publish(2, of: &outbox))
        #expect(outbox.unpublished == [1] && outbox.last == nil)
        #expect(Self.publish(0, of: &outbox))
        #expect(outbox.unpublished == [] && outbox.last == 4)
    }

    @Test func whatIsPublishedAnewOrByAnotherNeedsAMarkOfItsOwn() {
        var outbox = Self.outbox(1)
        #expect(Self.publish(0, of: &outbox))
        #expect(!Self.publish(0, of: &outbox) && !Self.publish(9, of: &outbox))
    }

    /// Else a kill would republish all that came since one that nobody takes.
    @Test func whatIsFarAheadOfTheOldestHasAMarkOfItsOwn() {
        let most = Int(Outbox.mostAhead)
        var outbox = Self.outbox(most + 2)
        #expect(Self.publish(most, of: &outbox))
        #expect(!Self.publish(most + 1, of: &outbox))
        #expect(Self.publish(0, of: &outbox))
        #expect(outbox.last == 2)
    }

    @Test func itIsWrittenSoonAfterItRoseOrWhenSomebodyAsks() {
        var outbox = Self.outbox(2)
        #expect(outbox.dueAt == nil)
        #expect(Self.publish(0, of: &outbox, at: 1_000))
        let due = Self.at(1_000) + Outbox.interval
        #expect(outbox.dueAt == due)
        #expect(outbox.watermark(hasResults: true, isAsked: false, at: Self.at(1_001)) == nil)
        #expect(outbox.watermark(hasResults: false, isAsked: true, at: Self.at(1_001)) == 2)
        #expect(outbox.watermark(hasResults: false, isAsked: false, at: due) == 2)
        // It rose again while that was on its way.
        #expect(Self.publish(1, of: &outbox, at: 1_150))
        outbox.noteWritten(2, at: Self.at(1_200))
        #expect(outbox.dueAt == Self.at(1_200) + Outbox.interval)
        outbox.noteWritten(3, at: Self.at(1_300))
        #expect(outbox.dueAt == nil && outbox.last == nil)
    }

    @Test func whatIsWrittenAgainHasItsNumberAndWhatWasNotWrittenGivesItBack() {
        var outbox = Self.outbox(1)
        #expect(outbox.number(JobID("job-0"), 0) == 1 && outbox.number(JobID("job-0"), 1) == 2)
        outbox.giveBack(JobID("job-0"), 0, at: Self.at(0))
        #expect(outbox.unpublished == [2] && outbox.last == 2)
        outbox.giveBack(JobID("job-0"), 0, at: Self.at(0))
        #expect(outbox.number(JobID("job-0"), 0) == 3, "no number is given twice")
    }

    @Test func afterAFailoverTheNextResultBringsTheRowAgainOrTimeDoes() {
        var outbox = Self.outbox(1)
        #expect(Self.publish(0, of: &outbox))
        outbox.noteWritten(2, at: Self.at(0))
        #expect(outbox.dueAt == nil)
        outbox.noteLost(at: Self.at(5))
        #expect(outbox.last == 2 && outbox.dueAt == Self.at(5) + Outbox.interval)
        #expect(outbox.watermark(hasResults: false, isAsked: false, at: Self.at(200)) == 2)
        _ = outbox.number(JobID("next"), 0)
        #expect(outbox.watermark(hasResults: true, isAsked: false, at: Self.at(0)) == 2)
    }

    @Test func withoutAMemberOrWithOlderProgramsBesideNothingHasANumber() {
        var nobody = Outbox(owner: nil, isUsed: true)
        nobody.use()
        #expect(nobody.number(JobID("a"), 0) == nil)
        var early = Outbox(owner: 7, isUsed: false)
        #expect(early.number(JobID("a"), 0) == nil && !early.publish(JobID("a"), 0, at: Self.at(0)))
        early.use()
        #expect(early.number(JobID("b"), 0) == 1)
        #expect(early.begun(by: 8).unpublished == [] && early.unpublished == [1])
    }
}
