package import Clocks

/// The intent to call the API for a job, durable before a byte is sent.
package struct Claim: Sendable {
    /// What the call is, for the day's count.
    package enum Kind: Sendable {
        case call
        /// No effect; it costs the quota as much.
        case albumQuery
    }

    package var arrival: Arrival
    package var kind: Kind
    /// The quota's day, as `2026-11-23` in the quota's zone. Its count rises by one in the same commit.
    package var day: String
    package var at: Timestamp
    /// What the worker knows by now; the row never forgets an attempt or an ambiguity that it has.
    package var attempts: Int
    package var isAmbiguous: Bool
    package var malformedAnswers: Int
    /// The fence of the lease under which the worker heard what it decided on: the album's answer, or that of the call
    /// before. Refused if somebody has claimed since. Nil: what a lookup said.
    package var decidedUnder: Int64?
    /// The result that closes the older, still open generation that `look` found.
    package var closing: StoredResult?
    /// Whether the claim comes without a lookup, because the delivery seems to be the job's first. Refused unless the
    /// ledger knows nothing to the contrary: `.fresh`, without an ambiguity and without a predecessor.
    package var presumesNew: Bool
    /// What the account may call, where workers share that. A call takes one of its slots in the same commit.
    package var limits: AccountLimits?
    /// The epoch to which the call was allotted, where members share a day that has a limit: the claim counts within what
    /// that epoch was allotted, or is not made. Nil: it needs no allotment.
    package var allottedTo: Int64?

    package init(
        arrival: Arrival, kind: Kind, day: String, at: Timestamp, attempts: Int, isAmbiguous: Bool,
        malformedAnswers: Int = 0, decidedUnder: Int64? = nil, closing: StoredResult? = nil, presumesNew: Bool = false,
        limits: AccountLimits? = nil, allottedTo: Int64? = nil
    ) {
        self.arrival = arrival
        self.kind = kind
        self.day = day
        self.at = at
        self.attempts = attempts
        self.isAmbiguous = isAmbiguous
        self.malformedAnswers = malformedAnswers
        self.decidedUnder = decidedUnder
        self.closing = closing
        self.presumesNew = presumesNew
        self.limits = limits
        self.allottedTo = allottedTo
    }
}

/// Whether a call may begin.
package enum ClaimAnswer: Equatable, Sendable {
    /// The intent is durable: send now, within the lease.
    case claimed(OpenJob, Lease)
    /// The row is no longer what `look` saw, or what the claim presumed: begin again with this.
    case refused(LookupResult)
    /// Other calls have what the account may call now, and nothing was written.
    case busy(AccountBusy)
    /// The call was allotted to a membership that is over, or that has spent what it was allotted. Nothing was written,
    /// and the allotment is used up.
    case notAllotted
}

/// What was spent of a day's quota. The ledger's table and the control socket call the album queries `probes`, as
/// they always have.
package struct DayCount: Equatable, Sendable {
    package var calls: Int
    package var albumQueries: Int

    package init(calls: Int, albumQueries: Int) {
        self.calls = calls
        self.albumQueries = albumQueries
    }
}
