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
    private let clock: any TimeSource
    /// Of a daemon that is a member of the ledger; nil for a command, which knows nothing of what was there before.
    private let memory: GrantMemory?

    /// A row is found and written in milliseconds; for longer nobody should wait who has a job in flight.
    private static let timeout = Duration.seconds(8)

    package init(
        _ configuration: PostgresConfiguration, memory: GrantMemory? = nil, clock: any TimeSource = SystemTimeSource()
    ) throws(LedgerError) {
        self.memory = memory
        self.clock = clock
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

    /// Asks the database on whose timeline all have compared, and notes what it answered: neither of a former primary nor
    /// of a new one that may lack what others know.
    private func ask<Answer: Sendable>(
        _ question: (_ timeline: Int?) -> LedgerQuestion<GrantStatements.OnTimeline<Answer>>,
        noting note: (inout RecentGrants, Answer) -> Void
    ) async throws(LedgerError) -> Answer {
        let permission = memory?.permission
        if memory != nil, permission == nil { throw Self.isComparing }
        guard case .answer(let answer) = try await ask(question(permission?.timeline)) else { throw Self.isComparing }
        if let memory, let permission, !memory.note(permission, { note(&$0, answer) }) { throw Self.isComparing }
        return answer
    }

    private static let isComparing = LedgerError.unavailable(
        "the ledger's database has failed over, and what is lost of the grants is written again first")

    /// Never twice the same in one row, in all its time.
    private func newVersion() -> Int64 { .random(in: .min ... .max) }

    package func find(_ account: AccountID) async throws(LedgerError) -> SealedGrant? {
        try await ask({ GrantStatements.find(account, on: $0) }) { recent, found in
            if let found { recent.seen(found, at: clock.now()) }
        }
    }

    package func lease(
        _ account: AccountID, version: Int64, fence: Int64, for time: Duration
    ) async throws(LedgerError) -> GrantLease? {
        let until = clock.now() + time
        return try await ask({ GrantStatements.lease(account, version: version, fence: fence, for: time, on: $0) }) {
            (recent, lease) in
            guard lease != nil else { return }
            let taken = RecentGrants.LeaseTaken(fence: fence, version: version, until: until)
            recent.leased(account, taken, at: clock.now())
        }
    }

    package func renew(_ account: AccountID, fence: Int64, for time: Duration) async throws(LedgerError) -> Bool {
        let until = clock.now() + time
        return try await ask({ GrantStatements.renew(account, fence: fence, for: time, on: $0) }) { recent, isMine in
            if isMine { recent.renewed(account, fence: fence, until: until, at: clock.now()) }
        }
    }

    package func save(_ refreshed: RefreshedGrant) async throws(LedgerError) -> Bool {
        let (asked, version) = (clock.now(), newVersion())
        let saved = try await ask({ GrantStatements.save(refreshed, as: version, on: $0) }) { recent, writtenAt in
            guard let writtenAt else { return }
            let row = RecentGrants.Row(
                sealed: refreshed.sealed, version: version, writtenAt: writtenAt, access: refreshed.access,
                knownAt: asked)
            recent.saved(refreshed.account, row, over: refreshed.version, at: clock.now())
        }
        return saved != nil
    }

    package func release(_ account: AccountID, fence: Int64) async throws(LedgerError) {
        // Before it is: a lease that nobody needs is not taken again.
        if let memory, let permission = memory.permission {
            _ = memory.note(permission) { $0.released(account, fence: fence, at: clock.now()) }
        }
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
