package import Ledger
import SQLiteLedger
import Settings
import Terminal

extension WorkerDaemon {
    /// What the ledger keeps of who made its schema.
    static let program = "leave-albumd \(ProgramVersion.text)"

    /// Whether there is none yet: no file, or one in which nothing was ever kept.
    func ledgerIsNew() throws(StartError) -> Bool {
        do throws(LedgerError) {
            return try !EmbeddedLedger.exists(path: settings.ledger.path)
        } catch {
            throw StartError(error)
        }
    }

    /// A ledger of a newer program is told of at once, not after the broker has been waited for.
    func checkLedger() throws(StartError) {
        do throws(LedgerError) {
            try EmbeddedLedger.checkVersion(path: settings.ledger.path, program: Self.program)
        } catch {
            throw StartError(error)
        }
    }
}

extension StartError {
    package init(_ error: LedgerError) {
        let status: ExitStatus =
            switch error {
            // A disk that is full now may not be so after the supervisor's next try.
            case .unavailable, .closed: .tryAgainLater
            case .unusable: .settingsWrong
            }
        self.init(description: error.description, status: status)
    }
}
