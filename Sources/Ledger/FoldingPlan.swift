/// When the pages of the log are taken into the file, and by which thread.
///
/// A fold flushes the disk, so it is made on a thread beside the writer, early and in parts. Only the writer can come to
/// the end of it, though: while the other thread folds, pages are added, and the log begins anew only when none is left.
/// The writer folds the rest when that is so little that no job waits for long.
struct FoldingPlan {
    enum Step: Equatable {
        case none
        /// Begin a fold on the thread beside.
        case beside
        /// Fold on the writer's thread.
        case here
        /// Wait for the thread beside, and ask again: the log must not grow faster than it is folded.
        case wait
    }

    private enum Outcome {
        case advanced
        /// Nothing came of it: somebody reads what was there before, or the rest is as small as it gets.
        case stood
        case failed
    }

    /// Pages that a fold is begun for, if the last one was not just begun: 1 MiB. What is flushed at once keeps the
    /// disk from everybody, the broker beside included; with 8 MiB one job in a hundred waited 5 ms longer.
    static let part = 250
    /// Pages that are added to the log before what came to nothing is tried again.
    static let longPart = 2_000
    /// The log is to begin anew: 32 MiB. The longer it is, the more of its pages were changed by many jobs and are
    /// written to the file once. After a kill the next start reads so much.
    static let longEnough = 8_000
    /// Pages whose fold no job notices.
    static let few = 128
    /// The writer waits: less than the 64 MiB that the log keeps of the disk.
    static let tooLong = 15_000

    /// Pages in the log.
    private var pages = 0
    /// Of these, how many are in the file.
    private var folded = 0
    /// Pages that were in the log when the last fold began, and what came of it.
    private var begunAt = 0
    private var outcome = Outcome.advanced

    /// After a commit that left `pages` in the log. `isRested`: the last fold was not just begun.
    ///
    /// Nothing is folded beside that is folded already: a fold that begins when the log is whole in the file may meet
    /// the commit that begins the log anew, and SQLite before 3.51.3 then takes pages for folded that are not.
    mutating func next(pages: Int, isFolding: Bool, isRested: Bool = true) -> Step {
        note(pages: pages)
        if isFolding { return pages >= Self.tooLong ? .wait : .none }
        let isDue = pages - begunAt >= Self.longPart
        guard pages >= Self.longEnough else {
            let isPart = outcome == .advanced && isRested && pages - begunAt >= Self.part
            return (isPart || isDue) && folded < pages ? .beside : .none
        }
        if pages - folded <= Self.few { return .here }
        switch outcome {
        // What came meanwhile is less each time.
        case .advanced: return .beside
        case .stood: return isDue ? .beside : .none
        case .failed: return isDue ? .here : .none
        }
    }

    /// The log has so many pages. To be told before the end of a fold, which is judged by it.
    mutating func note(pages: Int) {
        // It began anew.
        if pages < self.pages { self = FoldingPlan() }
        self.pages = pages
    }

    mutating func begin() { begunAt = pages }

    /// `folded`: pages of the log that are in the file. Nil if the fold failed.
    mutating func end(folded: Int?) {
        guard let folded else { return outcome = .failed }
        outcome = folded > self.folded ? .advanced : .stood
        // More than there are: of the log that was there before.
        self.folded = folded <= pages ? folded : 0
    }
}
