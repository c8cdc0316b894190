import Jobs
import Threads

/// Every decision of the ledger, as functions of a row: no implementation decides anything itself.
enum LedgerRules {
    /// A copy may be this late before another delivery takes its place: retry queues are exact, but lanes have a
    /// backlog.
    static let lateness = Duration.seconds(120)

    // MARK: look

    /// `result` gives the stored result of a generation of this job.
    static func look(
        _ row: LedgerRow?, _ arrival: Arrival, at now: Timestamp,
        result: (Int) throws(LedgerError) -> StoredResult?
    ) throws(LedgerError) -> Finding {
        guard let row else { return .fresh(isAmbiguous: arrival.isAmbiguous, predecessor: nil) }
        guard row.account == arrival.account, row.tokenHash == arrival.tokenHash else { return .conflict }
        if arrival.generation < row.generation { return .superseded(try result(arrival.generation)) }
        if arrival.generation > row.generation {
            let isAmbiguous = arrival.isAmbiguous || row.isAmbiguous || row.hasOpenIntent
            return .fresh(isAmbiguous: isAmbiguous, predecessor: row.isFinished ? nil : row.open)
        }
        if row.isFinished {
            guard let stored = try result(row.generation) else {
                throw .unusable("job \(row.jobID) is finished and has no stored result; run `ledger verify`")
            }
            return .finished(
                FinishedJob(
                    generation: row.generation, result: stored, resultIsPublished: row.resultIsPublished,
                    letterIsPublished: row.letterIsPublished))
        }
        return open(row, arrival, at: now)
    }

    private static func open(_ row: LedgerRow, _ arrival: Arrival, at now: Timestamp) -> Finding {
        guard arrival.copy < row.copy else {
            // A copy newer than the row: the ledger was restored from a backup, and the copy knows better.
            var adopted = row.open
            adopted.copy = max(row.copy, arrival.copy)
            adopted.attempts = max(row.attempts, arrival.attempts)
            adopted.isAmbiguous = adopted.isAmbiguous || arrival.isAmbiguous
            return .resumed(adopted)
        }
        guard row.copyIsPublished else { return .unparked(row.open) }
        if let due = row.due, due + lateness < now { return .overdue(row.open) }
        return .parked(row.open)
    }

    // MARK: claim

    /// The row with the intent, or nil where the delivery finds something that it cannot claim.
    static func claim(_ row: LedgerRow?, _ claim: Claim, finding: Finding) -> LedgerRow? {
        var claimed: LedgerRow
        switch finding {
        case .fresh(let isAmbiguous, let predecessor):
            // A generation that is still open is closed first, in a commit that may be this one.
            guard predecessor == nil || claim.closing != nil else { return nil }
            claimed = LedgerRow(claim.arrival, at: claim.at)
            claimed.isAmbiguous = isAmbiguous
        case .resumed(let open), .overdue(let open):
            guard let row else { return nil }
            claimed = row
            // An intent found open: that call may have reached the API, and nobody heard the answer.
            claimed.isAmbiguous = open.isAmbiguous
            claimed.copy = open.copy
            claimed.attempts = open.attempts
        case .parked, .unparked, .finished, .superseded, .conflict, .leased:
            return nil
        }
        raise(&claimed, attempts: claim.attempts, isAmbiguous: claim.isAmbiguous, malformed: claim.malformedAnswers)
        claimed.hasOpenIntent = true
        claimed.due = nil
        claimed.copyIsPublished = true
        claimed.firstCallAt = claimed.firstCallAt ?? claim.at
        claimed.changedAt = claim.at
        return claimed
    }

    // MARK: record

    /// The row after a record, and whether it may be stored at all: a finished generation is never changed.
    static func record(_ row: LedgerRow?, _ record: Record, at now: Timestamp) -> LedgerRow? {
        let arrival = record.arrival
        var next: LedgerRow
        if let row, row.generation == arrival.generation {
            guard !row.isFinished else { return nil }
            next = row
        } else if let row, row.generation > arrival.generation {
            return nil
        } else {
            switch record {
            case .kept, .handedBack: return nil
            case .finished, .parked: break
            }
            next = LedgerRow(arrival, at: now)
            if let row { next.isAmbiguous = next.isAmbiguous || row.isAmbiguous || row.hasOpenIntent }
        }
        next.changedAt = now
        switch record {
        case .finished(_, _, let attempts, let isAmbiguous, let needsLetter):
            raise(&next, attempts: attempts, isAmbiguous: isAmbiguous, malformed: 0)
            next.hasOpenIntent = false
            next.due = nil
            next.copyIsPublished = true
            next.isFinished = true
            next.resultIsPublished = false
            next.letterIsPublished = !needsLetter
        case .parked(_, let attempts, let isAmbiguous, let malformed, let due):
            raise(&next, attempts: attempts, isAmbiguous: isAmbiguous, malformed: malformed)
            next.hasOpenIntent = false
            next.copy = max(next.copy, arrival.copy) + 1
            next.due = due
            next.copyIsPublished = false
        case .kept(_, let attempts, let isAmbiguous, let malformed):
            raise(&next, attempts: attempts, isAmbiguous: isAmbiguous, malformed: malformed)
            next.hasOpenIntent = false
        case .handedBack:
            guard next.copy == arrival.copy, next.copyIsPublished else { return nil }
            next.due = nil
        }
        return next
    }

    /// None of these ever goes back.
    private static func raise(_ row: inout LedgerRow, attempts: Int, isAmbiguous: Bool, malformed: Int) {
        row.attempts = max(row.attempts, attempts)
        row.isAmbiguous = row.isAmbiguous || isAmbiguous
        row.malformedAnswers = max(row.malformedAnswers, malformed)
    }

    // MARK: mark

    static func mark(_ row: LedgerRow, _ part: PublishedPart, generation: Int) -> LedgerRow? {
        guard row.generation == generation else { return nil }
        var next = row
        switch part {
        case .result: next.resultIsPublished = true
        case .letter: next.letterIsPublished = true
        case .copy(let number):
            guard number == row.copy else { return nil }
            next.copyIsPublished = true
        }
        return next == row ? nil : next
    }

    // MARK: lost

    /// The row of a job that nobody delivers any more, if it still is what was seen.
    static func finishLost(_ row: LedgerRow?, _ job: OverdueJob, at now: Timestamp) -> LedgerRow? {
        guard var row, !row.isFinished, row.open == job.open, row.due != nil else { return nil }
        row.hasOpenIntent = false
        row.due = nil
        row.isFinished = true
        row.resultIsPublished = false
        // There is no body left to make a letter of.
        row.letterIsPublished = true
        row.changedAt = now
        return row
    }
}
