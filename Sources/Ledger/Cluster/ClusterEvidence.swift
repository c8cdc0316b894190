package import Jobs

/// What speaks against the API, as the members of a cluster have met it since the last proof of the contrary: so that
/// five accounts are five of all together, and not five of each. Nothing of it is written while all is well.
package struct ClusterEvidence: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// Of so many accounts it is systemic.
        case refusal(threshold: Int)
        /// A call failed. `isUnsent`: there was not even a connection, so that nothing that a job is was the reason.
        case failure(isUnsent: Bool)
    }

    package let cause: HoldCause
    package let kind: Kind
    package let account: AccountID
    package let job: JobID

    package init(cause: HoldCause, kind: Kind, account: AccountID, job: JobID) {
        self.cause = cause
        self.kind = kind
        self.account = account
        self.job = job
    }

    /// Failures in a row that are everybody's, and of how many jobs and accounts they are then.
    static let failuresInARow = 5
    static let jobsInARow = 3
    static let accountsInARow = 2
    /// More than any threshold; what is older decides nothing.
    static let most = 64

    package var isFailure: Bool {
        switch kind {
        case .failure: true
        case .refusal: false
        }
    }
}

extension [ClusterEvidence] {
    /// Notes one more.
    mutating func note(_ new: ClusterEvidence) {
        // A job that is refused again is the same word. One that fails again is another failure.
        if !new.isFailure { removeAll { $0 == new } }
        append(new)
        if count > ClusterEvidence.most { removeFirst() }
    }

    /// Whether what was noted last makes it everybody's.
    var isSystemic: Bool {
        guard let last else { return false }
        switch last.kind {
        case .refusal(let threshold):
            let same = filter { $0.cause == last.cause && $0.kind == last.kind }
            let accounts = Set(same.map(\.account)).count
            // Few accounts that are refused job after job are as many words as many accounts.
            return accounts >= threshold || (accounts > 1 && Set(same.map(\.job)).count >= threshold)
        case .failure:
            let failures = filter(\.isFailure)
            let unsent = failures.reversed().prefix { $0.kind == .failure(isUnsent: true) }.count
            if unsent >= ClusterEvidence.failuresInARow { return true }
            return failures.count >= ClusterEvidence.failuresInARow
                && Set(failures.map(\.job)).count >= ClusterEvidence.jobsInARow
                && Set(failures.map(\.account)).count >= ClusterEvidence.accountsInARow
        }
    }
}
