import Ledger
import Operations
import PostgresLedger
import Settings
import Terminal

/// The part of `check --live` that is about a shared ledger: whether the database lets the daemon work, and what of it
/// would be slow or could be lost.
struct LedgerDatabaseCheck: Sendable {
    let database: PostgresConfiguration
    let durability: DaemonSettings.Durability

    func run() async -> [CheckReport] {
        do throws(DatabaseUnreachable) {
            let findings = try await DatabaseCheck.findings(database, durable: durability == .full)
            return findings.map(report) + [await schema()]
        } catch {
            return [
                CheckReport(.ledger, error.isRefused ? .settingsWrong : .serviceUnavailable, error.description)
            ]
        }
    }

    private func report(_ finding: DatabaseCheck.Finding) -> CheckReport {
        switch finding.kind {
        case .good: CheckReport(.ledger, nil, finding.detail)
        case .warning: CheckReport(.ledger, nil, "warning: \(finding.detail)")
        case .fault: CheckReport(.ledger, .noPermission, finding.detail)
        }
    }

    private func schema() async -> CheckReport {
        do throws(LedgerError) {
            let ledger = try await DatabaseLedger.attach(database)
            let statistics: LedgerStatistics
            do throws(LedgerError) {
                statistics = try await ledger.approximateStatistics()
            } catch {
                await ledger.close(within: .zero)
                throw error
            }
            await ledger.close(within: .zero)
            let about = statistics.isEstimated ? "about " : ""
            return CheckReport(
                .ledger, nil,
                "\(ledger.place) has \(about)\(statistics.entries) jobs, \(about)\(statistics.open) of them open")
        } catch {
            let failure = CommandFailure(ControlFault(error))
            return CheckReport(.ledger, failure.status, failure.description)
        }
    }
}
