import Jobs
import Ledger

/// What a worker knows of a call that has ended, and what the ledger does not know yet.
package struct SpooledOutcome: Sendable {
    enum Word: Sendable {
        case record(Record, isUnheard: Bool)
        /// Nothing was sent.
        case withdrawal(JobID, Claim.Kind, day: String)
    }

    let word: Word
    /// Of the claim that the call was made under.
    let fence: Int64
    /// Whether that claim was the job's first.
    let isFirstCall: Bool

    init(_ word: Word, fence: Int64, isFirstCall: Bool) {
        self.word = word
        self.fence = fence
        self.isFirstCall = isFirstCall
    }

    /// Nil for what rests on no call: the next delivery of its job comes to the same. And for marks: what the broker has is
    /// published once more.
    init?(_ request: JobRequest) {
        switch request {
        case .record(let record, let lease?, let isUnheard, _):
            self.init(.record(record, isUnheard: isUnheard), fence: lease.fence, isFirstCall: lease.isFirstCall)
        case .withdraw(let lease, let id, let kind, let day, _):
            self.init(.withdrawal(id, kind, day: day), fence: lease.fence, isFirstCall: lease.isFirstCall)
        case .record, .mark, .lookUp, .claim, .cancel, .cancelForGood, .finishLost, .finishCancelled, .refuse:
            return nil
        }
    }

    /// Nothing is sent under it any more.
    var lease: Lease { .recalled(fence: fence, isFirstCall: isFirstCall) }
}
