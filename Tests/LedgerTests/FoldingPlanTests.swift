import Testing

@testable import Ledger

@Suite struct FoldingPlanTests {
    private var plan = FoldingPlan()

    /// A fold that begins at `pages` and ends with all that was there then.
    private mutating func fold(at pages: Int) {
        plan.begin()
        plan.end(folded: pages)
    }

    @Test mutating func aLogIsFoldedBesideInParts() {
        #expect(plan.next(pages: 249, isFolding: false) == .none)
        #expect(plan.next(pages: 255, isFolding: false) == .beside)
        plan.begin()
        #expect(plan.next(pages: 500, isFolding: true) == .none)
        plan.end(folded: 255)
        #expect(plan.next(pages: 504, isFolding: false) == .none)
        #expect(plan.next(pages: 505, isFolding: false) == .beside)
    }

    @Test mutating func whatIsFoldedWholeIsNotFoldedBesideAgain() {
        _ = plan.next(pages: 300, isFolding: false)
        plan.begin()
        // The commit that the fold already saw is told before its end.
        plan.note(pages: 700)
        plan.end(folded: 700)
        #expect(plan.next(pages: 700, isFolding: false) == .none)
        #expect(plan.next(pages: 701, isFolding: false) == .beside)
        _ = plan.next(pages: 8_000, isFolding: true)
        plan.end(folded: 8_000)
        #expect(plan.next(pages: 8_000, isFolding: false) == .here)
    }

    @Test mutating func underLoadThePartsAreLarger() {
        _ = plan.next(pages: 250, isFolding: false)
        fold(at: 250)
        #expect(plan.next(pages: 2_249, isFolding: false, isRested: false) == .none)
        #expect(plan.next(pages: 2_249, isFolding: false) == .beside)
        #expect(plan.next(pages: 2_250, isFolding: false, isRested: false) == .beside)
    }

    @Test mutating func aLongLogIsFoldedFasterThanItGrowsAndEndedByTheWriter() {
        _ = plan.next(pages: 6_100, isFolding: false)
        fold(at: 6_100)
        #expect(plan.next(pages: 8_000, isFolding: false) == .beside)
        plan.begin()
        #expect(plan.next(pages: 8_300, isFolding: true) == .none)
        plan.end(folded: 8_000)
        #expect(plan.next(pages: 8_310, isFolding: false) == .beside)
        fold(at: 8_310)
        #expect(plan.next(pages: 8_400, isFolding: false) == .here)
        fold(at: 8_400)
        // The next commit began anew.
        #expect(plan.next(pages: 12, isFolding: false) == .none)
        #expect(plan.next(pages: 261, isFolding: false) == .beside)
    }

    @Test mutating func theWriterWaitsForAFoldThatDoesNotKeepUp() {
        _ = plan.next(pages: 2_000, isFolding: false)
        plan.begin()
        #expect(plan.next(pages: 14_999, isFolding: true) == .none)
        #expect(plan.next(pages: 15_000, isFolding: true) == .wait)
        plan.end(folded: 2_000)
        #expect(plan.next(pages: 15_000, isFolding: false) == .beside)
    }

    /// Then the log grows, and folding it in vain after each commit would help nobody.
    @Test mutating func aReaderThatKeepsTheLogIsLeftInPeace() {
        _ = plan.next(pages: 8_500, isFolding: false)
        fold(at: 5_000)
        #expect(plan.next(pages: 8_510, isFolding: false) == .beside)
        fold(at: 5_000)
        for pages in [8_600, 9_000, 10_500] { #expect(plan.next(pages: pages, isFolding: false) == .none) }
        #expect(plan.next(pages: 10_510, isFolding: false) == .beside)
        // It went.
        fold(at: 10_510)
        #expect(plan.next(pages: 10_900, isFolding: false) == .beside)
        fold(at: 10_900)
        #expect(plan.next(pages: 10_950, isFolding: false) == .here)
    }

    @Test mutating func whereNoFoldBesideSucceedsTheWriterFoldsAtLast() {
        for pages in [2_000, 4_000, 6_000] {
            #expect(plan.next(pages: pages, isFolding: false) == .beside)
            plan.begin()
            plan.end(folded: nil)
            #expect(plan.next(pages: pages + 1_999, isFolding: false) == .none)
        }
        #expect(plan.next(pages: 8_000, isFolding: false) == .here)
        plan.begin()
        plan.end(folded: nil)
        // Nor that: not again after each commit.
        #expect(plan.next(pages: 9_999, isFolding: false) == .none)
        #expect(plan.next(pages: 10_000, isFolding: false) == .here)
    }

    @Test mutating func whatIsLearnedOfALogThatIsNoMoreIsForgotten() {
        _ = plan.next(pages: 2_400, isFolding: false)
        plan.begin()
        // It was folded whole and began anew before the fold's end was seen.
        #expect(plan.next(pages: 9, isFolding: true) == .none)
        plan.end(folded: 2_400)
        for pages in [100, 249] { #expect(plan.next(pages: pages, isFolding: false) == .none) }
        #expect(plan.next(pages: 250, isFolding: false) == .beside)
    }
}
