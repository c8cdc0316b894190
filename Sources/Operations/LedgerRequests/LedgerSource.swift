import Clocks
package import Ledger
package import SQLiteLedger

/// The ledger as an operator's question reaches it: inside the daemon, or as a file that no daemon has.
package enum LedgerSource: Sendable {
    case live(EmbeddedLedger)
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
        clock: any TimeSource, _ body: (EmbeddedLedger) async throws(LedgerError) -> Answer
    ) async throws(ControlFault) -> Answer {
        do throws(LedgerError) {
            switch self {
            case .live(let ledger): return try await body(ledger)
            case .file(let path):
                // Opening makes a file where there is none, and an empty ledger looks like a lost one.
                try LedgerReader(path: path).requireCurrentSchema()
                let ledger = try await EmbeddedLedger.open(
                    path: path, durability: .full, clock: clock, onWaiting: nil)
                let answer: Answer
                do throws(LedgerError) {
                    answer = try await body(ledger)
                } catch {
                    await ledger.close(within: EmbeddedLedger.closeTime)
                    throw error
                }
                await ledger.close(within: EmbeddedLedger.closeTime)
                return answer
            }
        } catch {
            throw ControlFault(error)
        }
    }

    /// For what only looks.
    func read<Answer: Sendable>(
        live: (EmbeddedLedger) async throws(LedgerError) -> Answer,
        file: (LedgerReader) throws(LedgerError) -> Answer
    ) async throws(ControlFault) -> Answer {
        do throws(LedgerError) {
            switch self {
            case .live(let ledger): return try await live(ledger)
            case .file(let path): return try file(LedgerReader(path: path))
            }
        } catch {
            throw ControlFault(error)
        }
    }
}

extension ControlFault {
    package init(_ error: LedgerError) {
        switch error {
        case .unavailable, .closed: self = .unavailable(error.description)
        case .unusable: self = .unusable(error.description)
        }
    }
}
