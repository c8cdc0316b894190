import Clocks
package import Ledger
package import PostgresLedger
import SQLiteLedger

/// The ledger as an operator's question reaches it: inside the daemon, as a file that no daemon has, or as a database
/// that daemons may be working on.
package enum LedgerSource: Sendable {
    case live(any LedgerKeeping)
    case file(path: String)
    case database(PostgresConfiguration)

    /// For what changes the ledger. A file is locked and opened for as long as `body` runs, so that no daemon can start
    /// on it meanwhile.
    func write<Answer: Sendable>(
        clock: any TimeSource, _ body: (any LedgerKeeping) async throws(LedgerError) -> Answer
    ) async throws(ControlFault) -> Answer {
        do throws(LedgerError) {
            switch self {
            case .live(let ledger): return try await body(ledger)
            case .file(let path):
                // Opening makes a file where there is none, and an empty ledger looks like a lost one.
                try LedgerReader(path: path).requireCurrentSchema()
                let ledger = try await EmbeddedLedger.open(
                    path: path, durability: .full, clock: clock, onWaiting: nil)
                return try await Self.closing(ledger, body)
            case .database(let configuration):
                let ledger = try await DatabaseLedger.attach(configuration, clock: clock)
                return try await Self.closing(ledger, body)
            }
        } catch {
            throw ControlFault(error)
        }
    }

    /// For what a command has written itself.
    private static let closeTime = Duration.seconds(5)

    private static func closing<Answer: Sendable>(
        _ ledger: any LedgerKeeping,
        _ body: (any LedgerKeeping) async throws(LedgerError) -> Answer
    ) async throws(LedgerError) -> Answer {
        let answer: Answer
        do throws(LedgerError) {
            answer = try await body(ledger)
        } catch {
            await ledger.close(within: closeTime)
            throw error
        }
        await ledger.close(within: closeTime)
        return answer
    }

    /// For what only looks.
    func read<Answer: Sendable>(
        clock: any TimeSource, _ body: (any LedgerReading) async throws(LedgerError) -> Answer
    ) async throws(ControlFault) -> Answer {
        do throws(LedgerError) {
            switch self {
            case .live(let ledger): return try await body(ledger)
            case .file(let path): return try await body(LedgerFileReader(path: path, clock: clock))
            case .database(let configuration):
                let ledger = try await DatabaseLedger.attach(configuration, clock: clock)
                return try await Self.closing(ledger) { ledger throws(LedgerError) in try await body(ledger) }
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
