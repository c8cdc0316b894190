/// Whether the ledger can commit, told at each change.
public enum LedgerHealth: Equatable, Sendable {
    case available
    /// `.unavailable`: it tries by itself until it is mended. `.unusable`: for as long as the process lives.
    case unavailable(LedgerError)
}
