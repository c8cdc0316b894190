import Clocks
import Jobs
import Ledger

/// What a call means of which nothing was sent in time.
extension Gate {
    struct LateCall: Sendable {
        var call: Call
        var reason: LateCalls.Reason
        /// When its claim was asked for.
        var asked: MonotonicTime
        /// What the call itself was told.
        var detail: String
    }

    /// Notes a late call, whose claim was withdrawn. Also says which hold it raised.
    mutating func wasLate(
        _ late: LateCall, at now: MonotonicTime, wall: Timestamp
    ) -> (consequence: Consequence, raised: HoldCause?) {
        var result = Consequence()
        let raised = lateCalls.note(late.reason, asked: late.asked, at: now)
        let isShared = heldCauses.sharing != nil
        // One host's slow way there is not everybody's: the others contradict it, or they know of late calls as well.
        if isShared, lateCalls.hasCounted, late.reason == .connection, holds[.apiUnavailable] == nil {
            testify(late.call, .apiUnavailable, .failure(isUnsent: true), detail: late.detail, at: now, wall: wall)
        }
        if let raised, !isShared || raised != .apiUnavailable {
            let detail = LateCalls.detail(of: raised, late.detail)
            heldCauses.engage(raised, detail: detail, at: now, wall: wall)
        }
        // With no connection in time no other job would fare better. Other holds it neither lifts nor confirms.
        if holds[.apiUnavailable] != nil {
            result.classification = .waitOutHold
            if late.call.isProbe { heldCauses.tried(late.call.job, isConclusive: true, atLeast: nil, at: now) }
        }
        return (result, raised)
    }
}

extension LateCalls {
    /// What a hold that they raise says.
    static func detail(of cause: HoldCause, _ last: String) -> String {
        let late = "\(inARow) calls in a row could not begin inside their send window"
        return cause == .ledgerUnavailable
            ? "\(late): the ledger took most of it to commit their claims" : "\(late); the last: \(last)"
    }
}

extension Dispatcher {
    /// A call was late, and its claim is withdrawn. Also says whether it showed that the ledger is slow.
    func wasLate(_ late: Gate.LateCall) -> (classification: Gate.Classification, ledgerIsSlow: Bool) {
        var raised: HoldCause?
        let classification = consequence(of: late.call, detail: late.detail) { state, now, wall in
            // What is late because the worker ends says nothing.
            guard state.isTaking else { return Gate.Consequence(classification: .waitOutHold) }
            let (consequence, cause) = state.gate.wasLate(late, at: now, wall: wall)
            raised = cause
            return consequence
        }
        return (classification, raised == .ledgerUnavailable)
    }

    /// Whether calls have been late until now, so that whoever tests the hold that they raised has a connection first.
    var callsAreLate: Bool { withGate { $0.lateCalls.isLasting } }
}
