import Clocks
import Jobs
import Ledger
import Secrets

/// One refresh under the lease of its row: the row is leased when the token endpoint is about to be asked, and not before.
///
/// A refresh is a call: it begins within the send window of the asking for its lease, by this machine's own clock, or is
/// not sent. What a kill -9 costs: before the lease nothing; from then on the lease, which ends by itself, and if the
/// endpoint was asked, what it answered.
actor LedgerTurn: GrantTurn {
    nonisolated let grant: Grant
    private let grants: LedgerGrants
    private let version: Int64
    /// Nobody else's, ever.
    private let fence = Int64.random(in: .min ... .max)
    private var isLeased = false
    private var isInDoubt = false

    init(_ grants: LedgerGrants, _ row: SealedGrant, _ grant: Grant) {
        self.grants = grants
        self.grant = grant
        version = row.version
    }

    nonisolated var endsByItself: Bool { true }

    private var time: Duration { grants.durations.whole }

    func permission() async throws(GrantStoreError) -> RefreshPermission {
        let asked = grants.clock.now()
        let (account, version, fence, time) = (grant.account, version, fence, time)
        if isLeased {
            let isMine = try await grants.asked { () async throws(LedgerError) in
                try await grants.rows.renew(account, fence: fence, for: time)
            }
            guard isMine else {
                isLeased = false
                return .lookAgain
            }
        } else {
            let lease = try await grants.asked { () async throws(LedgerError) in
                try await grants.rows.lease(account, version: version, fence: fence, for: time)
            }
            guard let lease else { return .lookAgain }
            isLeased = true
            isInDoubt = lease.isInDoubt
        }
        return .ask(beginsBefore: asked + grants.durations.sendWindow, isInDoubt: isInDoubt)
    }

    func save(_ changed: Grant, _ access: AccessToken?) async throws(GrantStoreError) -> Bool {
        let refreshed = RefreshedGrant(
            account: grant.account, fence: fence, version: version, sealed: grants.seal(changed),
            access: access.flatMap { grants.seal($0, of: grant.account) })
        let isSaved = try await grants.asked { () async throws(LedgerError) in try await grants.rows.save(refreshed) }
        // What was saved has ended the lease.
        isLeased = false
        return isSaved
    }

    func current() async throws(GrantStoreError) -> Grant? { try await grants.load(grant.account) }

    func end(isHeard: Bool) async {
        guard isLeased, isHeard else { return }
        isLeased = false
        let (account, fence) = (grant.account, fence)
        // If that is not written, the lease ends by itself, and the next who has it is in doubt for nothing.
        try? await grants.rows.release(account, fence: fence)
    }
}

/// The line of all who refresh from one ledger, as one process stands in it: with one place at a time, so that whoever is
/// killed leaves one empty.
actor RefreshLine {
    private let rows: any SealedGrants
    private let interval: Duration
    private let clock: any TimeSource
    private var last: Task<Result<Void, LedgerError>, Never>?

    init(_ rows: any SealedGrants, perSecond: Int, clock: any TimeSource) {
        self.rows = rows
        self.clock = clock
        interval = .seconds(1) / perSecond
    }

    /// Returns early when the task is cancelled.
    func wait() async throws(LedgerError) {
        let (before, rows, interval, clock) = (last, rows, interval, clock)
        let place = Task { () -> Result<Void, LedgerError> in
            _ = await before?.value
            if Task.isCancelled { return .success(()) }
            do throws(LedgerError) {
                await clock.sleep(for: try await rows.takePlace(every: interval))
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        last = place
        let result = await withTaskCancellationHandler {
            await place.value
        } onCancel: {
            place.cancel()
        }
        try result.get()
    }
}
