package import Clocks

/// The right to call the API for one job, once: what a claim gives, and what every later word on that call names.
///
/// Where several workers share a ledger, it ends at a time of the database's clock (`LeaseTerms.callUntil`), and after
/// that another worker may take the job over. So the call begins within the send window or not at all, and what is
/// recorded under a lease that is another's by now is not believed, unless it is proof.
package struct Lease: Equatable, Sendable {
    /// Who claimed, and which claim: given once in the cluster, and compared for equality only. 0 in the embedded
    /// ledger, whose process works alone.
    package let fence: Int64
    /// The call's first byte leaves before this moment, on the worker's own clock, or never. It counts from when the claim
    /// was asked for, not from its answer: the ledger's clock was no further by then.
    package let beginsBefore: MonotonicTime
    /// The claim made the job's first call: withdrawn, the job has never called.
    package let isFirstCall: Bool
    /// What the claim took of the account. Nil for a question, and where nothing is shared.
    package let slot: AccountSlot.Taken?
    /// Of an earlier process: what is recorded under it may have been written already.
    package let isRecalled: Bool

    package init(
        fence: Int64, beginsBefore: MonotonicTime, isFirstCall: Bool, slot: AccountSlot.Taken? = nil
    ) {
        self.init(fence, beginsBefore, isFirstCall: isFirstCall, slot: slot, isRecalled: false)
    }

    private init(
        _ fence: Int64, _ beginsBefore: MonotonicTime, isFirstCall: Bool, slot: AccountSlot.Taken?, isRecalled: Bool
    ) {
        self.fence = fence
        self.beginsBefore = beginsBefore
        self.isFirstCall = isFirstCall
        self.slot = slot
        self.isRecalled = isRecalled
    }

    /// The lease of a claim that an earlier process made: nothing is sent under it any more.
    package static func recalled(fence: Int64, isFirstCall: Bool) -> Lease {
        Lease(fence, MonotonicTime(nanoseconds: 0), isFirstCall: isFirstCall, slot: nil, isRecalled: true)
    }

    /// The embedded ledger's: nobody else can take the job over.
    package static func sole(isFirstCall: Bool) -> Lease {
        Lease(fence: 0, beginsBefore: .distantFuture, isFirstCall: isFirstCall)
    }

    package var isSole: Bool { fence == 0 }
}

/// What a ledger that is shared writes into the row with a claim.
package struct LeaseTerms: Equatable, Sendable {
    /// Of the claim that is made. Never 0.
    package var fence: Int64
    /// The send window, the call's own time limit and what the network may still deliver later, from the ledger's
    /// clock at the claim. At that very moment the lease still stands.
    package var callUntil: Timestamp
    /// Whether the process that held the row before is known to have ended. A takeover from one that was only cut off
    /// or paused says nothing against the job.
    package var ownerHasEnded: Bool

    package init(fence: Int64, callUntil: Timestamp, ownerHasEnded: Bool = false) {
        self.fence = fence
        self.callUntil = callUntil
        self.ownerHasEnded = ownerHasEnded
    }
}

/// What became of a record.
package enum Recorded: Equatable, Sendable {
    /// It is durable, or there was nothing to change. The number of the copy to publish for `parked`, else the row's.
    case copy(Int)
    /// The job, or a newer generation of it, has its result: nothing was written, and what stands is to be looked up.
    case alreadyEnded
    /// Somebody else may call for the job by now: nothing was written, and what stands is to be looked up.
    case fenced
}
