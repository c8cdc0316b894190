package import Clocks
import Jobs
import Secrets

/// Every decision of the ledger, as functions of a row: an implementation loads, asks here, and saves.
package enum LedgerRules {
    /// A copy may be this late before another delivery takes its place: retry queues are exact, but lanes have a
    /// backlog.
    package static let lateness = Duration.seconds(120)

    // MARK: look

    /// What `arrival` finds. `result` gives the kept result of a generation of this job.
    package static func lookUp<Failure: Error>(
        _ row: LedgerRow?, _ arrival: Arrival, cancellation: Cancellation?, at now: Timestamp,
        result: (_ generation: Int) throws(Failure) -> ResultRecord?
    ) throws(Failure) -> LookupResult? {
        guard let row else {
            // A copy that carries a call knows better than a ledger that was lost.
            let mayHaveCalled = arrival.attempts > 0 || arrival.isAmbiguous
            let isCancelled = cancellation == .always || cancellation == .beforeCall && !mayHaveCalled
            return isCancelled ? .cancelled(nil) : .fresh(isAmbiguous: arrival.isAmbiguous, predecessor: nil)
        }
        guard row.isJob(of: arrival) else { return .conflict }
        if arrival.generation < row.generation { return .superseded(try result(arrival.generation)?.result) }
        if arrival.generation > row.generation {
            // Also of one that has ended: its last call may have gone unheard.
            if let until = row.runningLease(at: now) { return .leased(until: until) }
            if cancellation == .always, row.isFinished {
                return .cancelled(LedgerRow(arrival, after: row, at: now).open)
            }
            return .fresh(
                isAmbiguous: arrival.isAmbiguous || row.mayHaveCalledUnheard,
                predecessor: row.isFinished ? nil : row.open)
        }
        guard row.isFinished else {
            let lookup = open(row, arrival, at: now)
            switch lookup {
            case .resumed(let open), .overdue(let open):
                if let until = row.runningLease(at: now) { return .leased(until: until) }
                let isCancelled = cancellation == .always || cancellation == .beforeCall && row.hasNeverCalled
                return isCancelled ? .cancelled(open) : lookup
            default: return lookup
            }
        }
        // Nil: a finished generation without its result, which no rule makes; the file is at fault.
        return try result(row.generation).map {
            .finished(
                FinishedJob(
                    generation: row.generation, result: $0.result, resultIsPublished: $0.isPublished,
                    deadLetterIsPublished: row.deadLetterIsPublished))
        }
    }

    private static func open(_ row: LedgerRow, _ arrival: Arrival, at now: Timestamp) -> LookupResult {
        guard arrival.copy < row.copy else {
            // A copy newer than the row: the ledger was restored from a backup, and the copy knows better.
            var adopted = row.open
            adopted.copy = arrival.copy
            adopted.attempts = max(row.attempts, arrival.attempts)
            adopted.isAmbiguous = adopted.isAmbiguous || arrival.isAmbiguous
            return .resumed(adopted)
        }
        guard row.copyIsPublished else { return .unparked(row.open) }
        if let due = row.due, due + lateness < now { return .overdue(row.open) }
        // Not due at any time: the newer copy was claimed, so the broker has it.
        return .parked(row.open)
    }

    /// Whether the copy that has come proves that the ledger has lost something: each copy is published after a commit
    /// with what it says. Not for what is at most as old as the row, and not for a redriven dead letter, whose job may
    /// have been pruned.
    package static func isBehind(_ row: LedgerRow?, _ arrival: Arrival) -> Bool {
        guard let row, row.generation >= arrival.generation else {
            return arrival.copy > 0 || arrival.attempts > 0 || arrival.isAmbiguous && arrival.generation == 0
        }
        guard row.generation == arrival.generation, !row.isFinished, row.isJob(of: arrival) else { return false }
        return arrival.copy > row.copy || arrival.attempts > row.attempts
            || arrival.isAmbiguous && !row.mayHaveCalledUnheard
    }

    // MARK: claim

    /// The row with the intent, or nil where the delivery finds something that it cannot claim. `terms`: of a ledger
    /// that several workers share.
    package static func claim(
        _ row: LedgerRow?, _ claim: Claim, lookup: LookupResult, terms: LeaseTerms? = nil
    ) -> LedgerRow? {
        guard !claim.presumesNew || lookup == .fresh(isAmbiguous: false, predecessor: nil) else { return nil }
        // Somebody has claimed since, and may have called.
        if let fence = claim.decidedUnder, let row, row.fence != fence { return nil }
        var claimed: LedgerRow
        switch lookup {
        case .fresh(_, let predecessor):
            // A generation that is still open is closed in this same commit.
            guard predecessor == nil || claim.closing != nil else { return nil }
            claimed = LedgerRow(claim.arrival, after: row, at: claim.at)
        case .resumed(let open):
            guard let row else { return nil }
            claimed = row
            claimed.copy = open.copy
            claimed.raise(attempts: open.attempts, isAmbiguous: open.isAmbiguous, malformedAnswers: 0)
            claimed.due = nil
            claimed.copyIsPublished = true
        case .overdue(let open):
            guard let row else { return nil }
            // It stays overdue: this delivery has an older number than the row, and should the daemon die now, its
            // redelivery must be let in again. Without the due time it would be acked as one whose successor lives.
            claimed = row
            claimed.raise(attempts: 0, isAmbiguous: open.isAmbiguous, malformedAnswers: 0)
        case .parked, .unparked, .leased, .cancelled, .finished, .superseded, .conflict:
            return nil
        }
        // A call went unheard that whoever claims does not know of: the album is to be asked first.
        guard claim.kind == .albumQuery || claim.isAmbiguous || !claimed.mayHaveCalledUnheard else { return nil }
        claimed.raise(
            attempts: claim.attempts, isAmbiguous: claim.isAmbiguous, malformedAnswers: claim.malformedAnswers)
        if let terms { claimed.take(on: terms) }
        // An album query has no effect, so that one without an answer leaves nothing in doubt. What was in doubt stays so.
        if claim.kind == .call {
            claimed.hasOpenIntent = true
            claimed.firstCallAt = claimed.firstCallAt ?? claim.at
        }
        return moved(claimed, at: claim.at)
    }

    // MARK: record

    /// What a record comes to.
    package enum RecordRuling: Equatable {
        case save(LedgerRow)
        /// It says nothing that the row does not.
        case unchanged(LedgerRow?)
        case alreadyEnded(LedgerRow)
        /// Somebody else may call by now. With a row if its count of deaths is less than was thought.
        case fenced(LedgerRow?)
    }

    /// The row after a record: what is finished stays as it is. `lease`: what the record's call was made under; nil if
    /// it made none. `isUnheard`: the call may still be on its way, so that the lease runs to its end.
    package static func record(
        _ row: LedgerRow?, _ record: Record, under lease: Lease?, isUnheard: Bool, at now: Timestamp
    ) -> RecordRuling {
        let arrival = record.arrival
        var next: LedgerRow
        if let row, row.generation >= arrival.generation {
            guard row.generation == arrival.generation, !row.isFinished else { return .alreadyEnded(row) }
            next = row
        } else {
            switch record {
            case .callEnded, .postponed, .steppedAside: return .unchanged(row)
            case .finished, .parked: break
            }
            if row?.runningLease(at: now) != nil { return .fenced(nil) }
            // An older generation that is still open is closed by a claim. The worker saw to that at its lookup; where
            // several share the ledger, another may have recorded something of the older one since.
            guard row?.isFinished ?? true else { return .fenced(nil) }
            next = LedgerRow(arrival, after: row, at: now)
        }
        if case .steppedAside(_, let due) = record {
            // Whoever has the job need not ask for it, and it has not moved.
            guard next.copy == arrival.copy, next.due.map({ $0 < due }) ?? true else { return .unchanged(next) }
            next.due = due
            next.revision += 1
            return .save(next)
        }
        let isHolder = lease?.fence == next.fence
        // Decided on a lookup alone, it may be older than a call that has gone unheard since: it would close that one's
        // intent, and tell the publisher that nothing was called.
        let isUpToDate = record.isInDoubt || !next.mayHaveCalledUnheard
        guard isHolder || lease == nil && next.runningLease(at: now) == nil && isUpToDate || record.isProof else {
            return .fenced(lease == nil ? nil : alive(next))
        }
        if let lease, lease.isRecalled, isHolder, isWritten(record, next) { return .unchanged(next) }
        switch record {
        case .finished(_, _, let attempts, let isAmbiguous, let needsDeadLetter, _):
            next.raise(attempts: attempts, isAmbiguous: isAmbiguous, malformedAnswers: 0)
            next.finish(needsDeadLetter: needsDeadLetter)
        case .parked(_, let attempts, let isAmbiguous, let malformedAnswers, let due):
            next.raise(attempts: attempts, isAmbiguous: isAmbiguous, malformedAnswers: malformedAnswers)
            next.hasOpenIntent = false
            next.copy = max(next.copy, arrival.copy) + 1
            next.due = due
            next.copyIsPublished = false
        case .callEnded(_, let attempts, let isAmbiguous, let malformedAnswers):
            next.raise(attempts: attempts, isAmbiguous: isAmbiguous, malformedAnswers: malformedAnswers)
            next.hasOpenIntent = false
        case .postponed(_, let due):
            // An older copy that took over leaves the row overdue, so that it is let in again.
            guard next.copy == arrival.copy, next.due != due else { return .unchanged(next) }
            next.due = due
        case .steppedAside: preconditionFailure("it is not asked whose word it is")
        }
        if isHolder {
            if isUnheard { next.isAmbiguous = true } else { next.callUntil = nil }
            next.deaths = 0
        }
        return .save(moved(next, at: now))
    }

    /// Whether the holder's record is in the row already. To park once more would call for another copy; whatever else is
    /// recorded comes to the same a second time.
    private static func isWritten(_ record: Record, _ row: LedgerRow) -> Bool {
        switch record {
        // Written, it raised the number of the copy and closed the intent. A question has no intent: where an older copy
        // took over for it, the record is taken for written, and the job is let in again as overdue.
        case .parked(let arrival, _, _, _, _): row.copy > arrival.copy && !row.hasOpenIntent
        case .finished, .callEnded, .postponed, .steppedAside: false
        }
    }

    /// Nil if nothing changes: the process that was counted as dead in the call has come back with its answer.
    private static func alive(_ row: LedgerRow) -> LedgerRow? {
        guard row.deaths > 0 else { return nil }
        var row = row
        row.deaths -= 1
        row.revision += 1
        return row
    }

    // MARK: withdraw

    /// The row without the claim of `lease`, of which nothing was sent; nil if somebody else has claimed since, or if it
    /// was taken back already.
    package static func withdraw(_ row: LedgerRow?, _ lease: Lease, at now: Timestamp) -> LedgerRow? {
        guard var row, row.fence == lease.fence, lease.isSole || row.callUntil != nil, !row.isFinished else {
            return nil
        }
        row.hasOpenIntent = false
        row.callUntil = nil
        if lease.isFirstCall { row.firstCallAt = nil }
        return moved(row, at: now)
    }

    // MARK: mark

    /// The row after a dead letter or copy was confirmed, or nil if that changes nothing. Results are marked by their
    /// own generation, whatever the row has come to since.
    package static func mark(_ row: LedgerRow, _ part: PublishedPart, generation: Int) -> LedgerRow? {
        guard row.generation == generation else { return nil }
        var next = row
        switch part {
        case .result: return nil
        case .deadLetter:
            guard row.isFinished else { return nil }
            next.deadLetterIsPublished = true
        case .copy(let number):
            guard number == row.copy else { return nil }
            next.copyIsPublished = true
        }
        guard next != row else { return nil }
        next.revision += 1
        return next
    }

    // MARK: cancel

    /// Whether a cancelled job is remembered: not if it has ended or called, for then its own result stands.
    package static func mayCancel(_ row: LedgerRow?) -> Bool {
        row.map { !$0.isFinished && $0.hasNeverCalled } ?? true
    }

    package enum LastWord {
        case remember
        case end(CancelledJob)
        /// What has ended stays as it is.
        case hasEnded(LedgerRow)
        /// A call for it may be on its way: its own end comes first.
        case leased(until: Timestamp)
    }

    /// What an operator's last word comes to. `isFollowed`: a newer generation than the row's is on its way.
    package static func cancelForGood(_ row: LedgerRow?, isFollowed: Bool, at now: Timestamp) -> LastWord {
        guard let row else { return .remember }
        guard row.isFinished else {
            if let until = row.runningLease(at: now) { return .leased(until: until) }
            return .end(
                CancelledJob(
                    jobID: row.jobID, account: row.account, open: row.open, hasCalled: !row.hasNeverCalled,
                    revision: row.revision))
        }
        return isFollowed ? .remember : .hasEnded(row)
    }

    /// The row of a job that an operator ended, or nil if it is not what was seen. Its dead letter is unpublished until
    /// its message comes.
    package static func finishCancelled(_ row: LedgerRow?, _ job: CancelledJob, at now: Timestamp) -> LedgerRow? {
        guard var row, !row.isFinished, row.generation == job.open.generation, row.revision == job.revision,
            row.runningLease(at: now) == nil
        else {
            return nil
        }
        // A call that was cut off stays unheard, also for the next generation.
        row.isAmbiguous = row.mayHaveCalledUnheard
        row.finish(needsDeadLetter: true)
        return moved(row, at: now)
    }

    // MARK: lost

    /// The row of a lost job after its end, or nil if the row changed since it was read.
    package static func finishLost(_ row: LedgerRow?, _ job: OverdueJob, at now: Timestamp) -> LedgerRow? {
        guard var row, !row.isFinished, row.due != nil, row.copyIsPublished, row.open == job.open,
            row.revision == job.revision, row.runningLease(at: now) == nil
        else { return nil }
        // Of the delivery that took its place, if one did and went.
        row.isAmbiguous = row.mayHaveCalledUnheard
        // There is no body left to make a dead letter of.
        row.finish(needsDeadLetter: false)
        return moved(row, at: now)
    }

    private static func moved(_ row: LedgerRow, at now: Timestamp) -> LedgerRow {
        var row = row
        row.changedAt = now
        row.revision += 1
        return row
    }
}
