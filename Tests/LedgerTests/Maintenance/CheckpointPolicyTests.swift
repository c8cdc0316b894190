import Clocks
import Testing

@testable import Ledger
@testable import SQLiteLedger

@Suite struct CheckpointPolicyTests {
    private var plan = CheckpointPolicy()

    /// A fold that begins at `pages` and ends with all that was there then.
    private mutating func checkpoint(at pages: Int) {
        plan.begin()
        plan.end(checkpointed: pages)
    }

    @Test mutating func aLogIsCheckpointedBesideInParts() {
        #expect(plan.next(pages: 249, isCheckpointing: false) == .none)
        #expect(plan.next(pages: 255, isCheckpointing: false) == .beside)
        plan.begin()
        #expect(plan.next(pages: 500, isCheckpointing: true) == .none)
        plan.end(checkpointed: 255)
        #expect(plan.next(pages: 504, isCheckpointing: false) == .none)
        #expect(plan.next(pages: 505, isCheckpointing: false) == .beside)
    }

    @Test mutating func whatIsCheckpointedWholeIsNotCheckpointedBesideAgain() {
        _ = plan.next(pages: 300, isCheckpointing: false)
        plan.begin()
        // The commit that the fold already saw is told before its end.
        plan.note(pages: 700)
        plan.end(checkpointed: 700)
        #expect(plan.next(pages: 700, isCheckpointing: false) == .none)
        #expect(plan.next(pages: 701, isCheckpointing: false) == .beside)
        _ = plan.next(pages: 8_000, isCheckpointing: true)
        plan.end(checkpointed: 8_000)
        #expect(plan.next(pages: 8_000, isCheckpointing: false) == .here)
    }

    @Test mutating func underLoadThePartsAreLarger() {
        _ = plan.next(pages: 250, isCheckpointing: false)
        checkpoint(at: 250)
        #expect(plan.next(pages: 2_249, isCheckpointing: false, isRested: false) == .none)
        #expect(plan.next(pages: 2_249, isCheckpointing: false) == .beside)
        #expect(plan.next(pages: 2_250, isCheckpointing: false, isRested: false) == .beside)
    }

    @Test mutating func aLongLogIsCheckpointedFasterThanItGrowsAndEndedByTheWriter() {
        _ = plan.next(pages: 6_100, isCheckpointing: false)
        checkpoint(at: 6_100)
        #expect(plan.next(pages: 8_000, isCheckpointing: false) == .beside)
        plan.begin()
        #expect(plan.next(pages: 8_300, isCheckpointing: true) == .none)
        plan.end(checkpointed: 8_000)
        #expect(plan.next(pages: 8_310, isCheckpointing: false) == .beside)
        checkpoint(at: 8_310)
        #expect(plan.next(pages: 8_400, isCheckpointing: false) == .here)
        checkpoint(at: 8_400)
        // The next commit began anew.
        #expect(plan.next(pages: 12, isCheckpointing: false) == .none)
        #expect(plan.next(pages: 261, isCheckpointing: false) == .beside)
    }

    @Test mutating func theWriterWaitsForACheckpointThatDoesNotKeepUp() {
        _ = plan.next(pages: 2_000, isCheckpointing: false)
        plan.begin()
        #expect(plan.next(pages: 14_999, isCheckpointing: true) == .none)
        #expect(plan.next(pages: 15_000, isCheckpointing: true) == .wait)
        plan.end(checkpointed: 2_000)
        #expect(plan.next(pages: 15_000, isCheckpointing: false) == .beside)
    }

    /// Then the log grows, and folding it in vain after each commit would help nobody.
    @Test mutating func aReaderThatKeepsTheLogIsLeftInPeace() {
        _ = plan.next(pages: 8_500, isCheckpointing: false)
        checkpoint(at: 5_000)
        #expect(plan.next(pages: 8_510, isCheckpointing: false) == .beside)
        checkpoint(at: 5_000)
        for pages in [8_600, 9_000, 10_500] { #expect(plan.next(pages: pages, isCheckpointing: false) == .none) }
        #expect(plan.next(pages: 10_510, isCheckpointing: false) == .beside)
        // It went.
        checkpoint(at: 10_510)
        #expect(plan.next(pages: 10_900, isCheckpointing: false) == .beside)
        checkpoint(at: 10_900)
        #expect(plan.next(pages: 10_950, isCheckpointing: false) == .here)
    }

    @Test mutating func whereNoCheckpointBesideSucceedsTheWriterMakesItAtLast() {
        for pages in [2_000, 4_000, 6_000] {
            #expect(plan.next(pages: pages, isCheckpointing: false) == .beside)
            plan.begin()
            plan.end(checkpointed: nil)
            #expect(plan.next(pages: pages + 1_999, isCheckpointing: false) == .none)
        }
        #expect(plan.next(pages: 8_000, isCheckpointing: false) == .here)
        plan.begin()
        plan.end(checkpointed: nil)
        // Nor that: not again after each commit.
        #expect(plan.next(pages: 9_999, isCheckpointing: false) == .none)
        #expect(plan.next(pages: 10_000, isCheckpointing: false) == .here)
    }

    @Test mutating func whatIsLearnedOfALogThatIsNoMoreIsForgotten() {
        _ = plan.next(pages: 2_400, isCheckpointing: false)
        plan.begin()
        // It was checkpointed whole and began anew before the fold's end was seen.
        #expect(plan.next(pages: 9, isCheckpointing: true) == .none)
        plan.end(checkpointed: 2_400)
        for pages in [100, 249] { #expect(plan.next(pages: pages, isCheckpointing: false) == .none) }
        #expect(plan.next(pages: 250, isCheckpointing: false) == .beside)
    }
}
