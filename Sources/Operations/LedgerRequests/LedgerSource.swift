public import Ledger
import Threads

/// The ledger as an operator's question reaches it: inside the daemon, or as a file that no daemon has.
public enum LedgerSource: Sendable {
    case live(SQLiteLedger)
    case file(path: String)

    var path: String {
        switch self {
        case .live(let ledger): ledger.path
        case .file(let path): path
        }
    }

    /// For what changes the ledger. A file is locked and opened for as long as `body` runs, so that no daemon can start
    /// on it meanwhile.
    func write<Answer: Sendable>(
        clock: any Timekeeper, _ body: (SQLiteLedger) async throws(LedgerError) -> Answer
    ) async throws(DeskFault) -> Answer {
        do throws(LedgerError) {
            switch self {
            case .live(let ledger): return try await body(ledger)
            case .file(let path):
                // Opening makes a file where there is none, and an empty ledger looks like a lost one.
                try LedgerReader(path: path).requireCurrentSchema()
                let ledger = try await SQLiteLedger.open(
                    path: path, durability: .full, clock: clock, onWaiting: nil)
                let answer: Answer
                do throws(LedgerError) {
                    answer = try await body(ledger)
                } catch {
                    await ledger.close(within: SQLiteLedger.closeTime)
                    throw error
                }
                await ledger.close(within: SQLiteLedger.closeTime)
                return answer
            }
        } catch {
            throw DeskFault(error)
        }
    }

    /// For what only looks.
    func read<Answer: Sendable>(
        live: (SQLiteLedger) async throws(LedgerError) -> Answer,
        file: (LedgerReader) throws(LedgerError) -> Answer
    ) async throws(DeskFault) -> Answer {
        do throws(LedgerError) {
            switch self {
            case .live(let ledger): return try await live(ledger)
            case .file(let path): return try file(LedgerReader(path: path))
            }
        } catch {
            throw DeskFault(error)
        }
    }
}

extension DeskFault {
    public init(_ error: LedgerError) {
        switch error {
        case .unavailable, .closed: self = .unavailable(error.description)
        case .unusable: self = .unusable(error.description)
        }
    }
}
