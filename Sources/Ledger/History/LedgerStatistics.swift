public import Threads

/// How much the ledger holds and owes, for metrics and status.
public struct LedgerStatistics: Equatable, Sendable {
    /// Jobs that have a row.
    public var entries: Int
    /// Of these, jobs without a result.
    public var open: Int
    /// Of the open ones, those with a call that may have reached the API unanswered.
    public var ambiguous: Int
    /// Results that the broker is not known to have.
    public var unpublished: Int
    /// Open jobs whose copy should have come two minutes ago.
    public var overdue: Int
    /// Of the file and its write-ahead log.
    public var bytes: Int
    /// On the file's disk, for this user.
    public var diskFreeBytes: Int
    /// Finished jobs whose letter the broker is not known to have.
    public var unpublishedLetters: Int
    /// When the file was made.
    public var createdAt: Timestamp?
    /// When the last backup was made through the ledger that wrote this file.
    public var lastBackupAt: Timestamp?

    public init(
        entries: Int, open: Int, ambiguous: Int, unpublished: Int, overdue: Int, bytes: Int, diskFreeBytes: Int,
        unpublishedLetters: Int = 0, createdAt: Timestamp? = nil, lastBackupAt: Timestamp? = nil
    ) {
        self.entries = entries
        self.open = open
        self.ambiguous = ambiguous
        self.unpublished = unpublished
        self.overdue = overdue
        self.bytes = bytes
        self.diskFreeBytes = diskFreeBytes
        self.unpublishedLetters = unpublishedLetters
        self.createdAt = createdAt
        self.lastBackupAt = lastBackupAt
    }
}
