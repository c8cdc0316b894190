import Clocks
import Concurrency
import Jobs
import Secrets

@testable import Ledger
@testable import SQLiteLedger

/// Values that tests need and whose particulars do not matter to them.
enum Sample {
    static let start = Timestamp(milliseconds: 1_800_000_000_000)
    /// When a copy that was due after half a minute is overdue.
    static let late = start + .seconds(30 + 121)
    static let day = "2027-01-15"

    static func arrival(
        _ id: String = "job-1", account: String = "anna", token: String = "token", generation: Int = 0, copy: Int = 0,
        attempts: Int = 0, isAmbiguous: Bool = false
    ) -> Arrival {
        Arrival(
            jobID: JobID(id), account: AccountID(account), tokenHash: SHA256Digest(of: Array(token.utf8)),
            generation: generation, copy: copy, attempts: attempts, isAmbiguous: isAmbiguous, firstSeen: start)
    }

    static func claim(
        _ arrival: Arrival, kind: Claim.Kind = .call, day: String = day, at: Timestamp = start, attempts: Int = 0,
        isAmbiguous: Bool? = nil, malformedAnswers: Int = 0, closing: StoredResult? = nil, presumesNew: Bool = false
    ) -> Claim {
        Claim(
            arrival: arrival, kind: kind, day: day, at: at, attempts: attempts,
            isAmbiguous: isAmbiguous ?? arrival.isAmbiguous, malformedAnswers: malformedAnswers, closing: closing,
            presumesNew: presumesNew)
    }

    static func result(
        _ id: String = "job-1", generation: Int = 0, outcome: Outcome = .left, reason: Reason? = nil,
        body: String = "body", at: Timestamp = start
    ) -> StoredResult {
        StoredResult(
            messageID: "\(id)#\(generation)", outcome: outcome, reason: reason, body: Array(body.utf8),
            correlationID: id, traceparent: nil, tracestate: nil, completedAt: at)
    }

    static func finished(
        _ arrival: Arrival, body: String = "body", attempts: Int = 1, isAmbiguous: Bool = false,
        needsDeadLetter: Bool = false, at: Timestamp = start
    ) -> Record {
        .finished(
            arrival, result(arrival.jobID.string, generation: arrival.generation, body: body, at: at),
            attempts: attempts, isAmbiguous: isAmbiguous, needsDeadLetter: needsDeadLetter)
    }

    static func parked(
        _ arrival: Arrival, attempts: Int = 1, isAmbiguous: Bool = false, malformedAnswers: Int = 0,
        due: Timestamp = start + .seconds(30)
    ) -> Record {
        .parked(
            arrival, attempts: attempts, isAmbiguous: isAmbiguous, malformedAnswers: malformedAnswers, due: due)
    }

    static func open(
        generation: Int = 0, copy: Int = 0, attempts: Int = 0, isAmbiguous: Bool = false, malformedAnswers: Int = 0,
        called: Bool = true, due: Timestamp? = nil, copyIsPublished: Bool = true
    ) -> OpenJob {
        OpenJob(
            generation: generation, copy: copy, attempts: attempts, isAmbiguous: isAmbiguous,
            malformedAnswers: malformedAnswers, firstSeen: start, firstCallAt: called ? start : nil, due: due,
            copyIsPublished: copyIsPublished)
    }
}

extension JobLedger {
    /// As the only process records that there is, of a call that was heard.
    @discardableResult
    func record(_ record: Record) async throws(LedgerError) -> Recorded {
        try await self.record(record, under: .sole(isFirstCall: false), isUnheard: false)
    }
}

extension ClaimAnswer {
    /// As a ledger answers that no other process uses.
    static func claimed(_ open: OpenJob, isFirstCall: Bool = true) -> ClaimAnswer {
        .claimed(open, .sole(isFirstCall: isFirstCall))
    }
}
