package import Clocks
import Concurrency
package import Jobs
package import Ledger

/// The grants of a shared ledger, over a connection of their own, which is made for the first question: what a refresh
/// waits for is one row and one commit, and never a batch of jobs or a long question.
///
/// A commit of which it is not known whether it was made is a failure here: whoever asked asks again, with the same numbers.
package final class GrantTable: SealedGrants {
    package let place: String
    private let reader: PostgresReader

    /// A row is found and written in milliseconds; for longer nobody should wait who has a job in flight.
    private static let timeout = Duration.seconds(8)

    package init(
        _ configuration: PostgresConfiguration, clock: any TimeSource = SystemTimeSource()
    ) throws(LedgerError) {
        place = "the ledger at \(configuration.url.hosts[0])"
        do throws(SystemCallError) {
            reader = try PostgresReader(configuration, clock: clock)
        } catch {
            throw .unavailable(error.description)
        }
    }

    deinit {
        _ = try? NativeThread(name: "grants-end", detached: true) { [reader] in reader.stop() }
    }

    private func ask<Answer: Sendable>(_ question: LedgerQuestion<Answer>) async throws(LedgerError) -> Answer {
        try await reader.ask(question, within: Self.timeout)
    }

    /// Never twice the same in one row, in all its time.
    private func newVersion() -> Int64 { .random(in: .min ... .max) }

    package func find(_ account: AccountID) async throws(LedgerError) -> SealedGrant? {
        try await ask(GrantStatements.find(account))
    }

    package func lease(
        _ account: AccountID, version: Int64, fence: Int64, for time: Duration
    ) async throws(LedgerError) -> GrantLease? {
        try await ask(GrantStatements.lease(account, version: version, fence: fence, for: time))
    }

    package func renew(_ account: AccountID, fence: Int64, for time: Duration) async throws(LedgerError) -> Bool {
        try await ask(GrantStatements.renew(account, fence: fence, for: time))
    }

    package func save(_ refreshed: RefreshedGrant) async throws(LedgerError) -> Bool {
        try await ask(GrantStatements.save(refreshed, as: newVersion()))
    }

    package func release(_ account: AccountID, fence: Int64) async throws(LedgerError) {
        try await ask(GrantStatements.release(account, fence: fence))
    }

    package func replace(_ account: AccountID, with sealed: [UInt8]) async throws(LedgerError) {
        try await ask(GrantStatements.replace(account, sealed, as: newVersion()))
    }

    package func add(_ account: AccountID, _ sealed: [UInt8]) async throws(LedgerError) -> Bool {
        try await ask(GrantStatements.add(account, sealed, as: newVersion()))
    }

    package func reseal(
        _ account: AccountID, version: Int64, as sealed: [UInt8]
    ) async throws(LedgerError) -> Bool {
        try await ask(GrantStatements.reseal(account, version: version, sealed, as: newVersion()))
    }

    package func remove(_ account: AccountID) async throws(LedgerError) -> Bool {
        try await ask(GrantStatements.remove(account))
    }

    package func list(after account: AccountID?, limit: Int) async throws(LedgerError) -> [SealedGrant] {
        try await ask(GrantStatements.list(after: account, limit: limit))
    }

    package func count() async throws(LedgerError) -> Int { try await ask(GrantStatements.count) }

    package func takePlace(every interval: Duration) async throws(LedgerError) -> Duration {
        try await ask(GrantStatements.takePlace(every: interval))
    }
}
