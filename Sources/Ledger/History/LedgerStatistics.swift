package import Clocks

/// How much the ledger holds and owes, for metrics and status.
package struct LedgerStatistics: Equatable, Sendable {
    /// Jobs that have a row.
    package var entries: Int
    /// Of these, jobs without a result.
    package var open: Int
    /// Of the open ones, those with a call that may have reached the API unanswered.
    package var ambiguous: Int
    /// Of the ambiguous ones, those that are it only for as long as a call is on its way whose end somebody waits for;
    /// nil in the answer of an older daemon, which does not say it.
    package var calling: Int?
    /// Results that the broker is not known to have.
    package var unpublished: Int
    /// Open jobs whose copy should have come two minutes ago.
    package var overdue: Int
    /// Of the file and its write-ahead log, or of the database.
    package var bytes: Int
    /// On the file's disk, for this user; nil where nobody can say.
    package var diskFreeBytes: Int?
    /// Finished jobs whose dead letter the broker is not known to have.
    package var unpublishedDeadLetters: Int
    /// When the ledger was made.
    package var createdAt: Timestamp?
    /// When the last backup was made through the ledger that wrote this file.
    package var lastBackupAt: Timestamp?
    /// `entries`, `open`, `ambiguous` and `calling` are about so many: of a sample, or as they were a while ago. For people; whoever
    /// compares one number with the next takes none that is.
    package var isEstimated: Bool
    /// How long the counting took where that grows with the ledger; nil where it is nothing.
    package var countingTime: Duration?

    package init(
        entries: Int, open: Int, ambiguous: Int, calling: Int? = 0, unpublished: Int, overdue: Int, bytes: Int,
        diskFreeBytes: Int?,
        unpublishedDeadLetters: Int = 0, createdAt: Timestamp? = nil, lastBackupAt: Timestamp? = nil,
        isEstimated: Bool = false, countingTime: Duration? = nil
    ) {
        self.entries = entries
        self.open = open
        self.ambiguous = ambiguous
        self.calling = calling
        self.unpublished = unpublished
        self.overdue = overdue
        self.bytes = bytes
        self.diskFreeBytes = diskFreeBytes
        self.unpublishedDeadLetters = unpublishedDeadLetters
        self.createdAt = createdAt
        self.lastBackupAt = lastBackupAt
        self.isEstimated = isEstimated
        self.countingTime = countingTime
    }
}
