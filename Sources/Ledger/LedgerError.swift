/// Why the ledger could not answer. The job stays in the broker in every case.
public enum LedgerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Disk full, read-only or an I/O fault: the ledger tries by itself until it is mended.
    case unavailable(String)
    /// The file is damaged or of a newer schema: an operator must restore or replace it.
    case unusable(String)
    /// The ledger was closed.
    case closed

    public var description: String {
        switch self {
        case .unavailable(let detail), .unusable(let detail): detail
        case .closed: "the ledger is closed"
        }
    }
}
