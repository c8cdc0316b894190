/// The plan of checkpoints: when pages of the write-ahead log go into the file, and on which thread.
///
/// A checkpoint flushes the disk, so it is made on a thread beside the writer, early and in parts. Only the writer can
/// come to the end of it, though: while the other thread copies, pages are added, and the log begins anew only when
/// none is left. The writer copies the rest when that is so little that no job waits for long.
struct CheckpointPolicy {
    enum Step: Equatable {
        case none
        /// Begin a checkpoint on the checkpoint thread.
        case beside
        /// Checkpoint on the writer's thread.
        case here
        /// Wait for the checkpoint thread and ask again: the log must not grow faster than checkpoints shrink it.
        case wait
    }

    private enum Outcome {
        case advanced
        /// The checkpoint made no progress: a reader needs the older pages, or the rest cannot get smaller.
        case stood
        case failed
    }

    /// Pages that a checkpoint is begun for, if the last one was not just begun: 1 MiB. What is flushed at once keeps
    /// the disk from everybody, the broker beside included; with 8 MiB one job in a hundred waited 5 ms longer.
    static let part = 250
    /// Pages that are added to the log before what came to nothing is tried again.
    static let longPart = 2_000
    /// The log is to begin anew: 32 MiB. The longer it is, the more of its pages were changed by many jobs and are
    /// written to the file once. After a kill the next start reads so much.
    static let longEnough = 8_000
    /// Pages that the writer may checkpoint itself without a delay that a job notices.
    static let few = 128
    /// The writer waits: less than the 64 MiB that the log keeps of the disk.
    static let tooLong = 15_000

    /// Pages in the log.
    private var pages = 0
    /// Of these, how many are in the file.
    private var checkpointed = 0
    /// Pages that were in the log when the last checkpoint began, and what came of it.
    private var begunAt = 0
    private var outcome = Outcome.advanced

    /// After a commit that left `pages` in the log. `isRested`: the last checkpoint was not just begun.
    ///
    /// No checkpoint begins when the whole log is in the file already: it could race with the commit that resets the
    /// log; SQLite before 3.51.3 then skips pages (https://sqlite.org/wal.html#walresetbug).
    mutating func next(pages: Int, isCheckpointing: Bool, isRested: Bool = true) -> Step {
        note(pages: pages)
        if isCheckpointing { return pages >= Self.tooLong ? .wait : .none }
        let isDue = pages - begunAt >= Self.longPart
        guard pages >= Self.longEnough else {
            let isPart = outcome == .advanced && isRested && pages - begunAt >= Self.part
            return (isPart || isDue) && checkpointed < pages ? .beside : .none
        }
        if pages - checkpointed <= Self.few { return .here }
        switch outcome {
        // What came meanwhile is less each time.
        case .advanced: return .beside
        case .stood: return isDue ? .beside : .none
        case .failed: return isDue ? .here : .none
        }
    }

    /// Notes the length of the log. To be called before `end`, which compares with it.
    mutating func note(pages: Int) {
        // The log was reset.
        if pages < self.pages { self = CheckpointPolicy() }
        self.pages = pages
    }

    mutating func begin() { begunAt = pages }

    /// `checkpointed`: pages of the log that are in the file. Nil if the checkpoint failed.
    mutating func end(checkpointed: Int?) {
        guard let checkpointed else { return outcome = .failed }
        outcome = checkpointed > self.checkpointed ? .advanced : .stood
        // More than there are: of the log that was there before.
        self.checkpointed = checkpointed <= pages ? checkpointed : 0
    }
}
