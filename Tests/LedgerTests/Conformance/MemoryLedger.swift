import Clocks
import Concurrency
import Jobs
import Secrets

@testable import Ledger
@testable import SQLiteLedger

/// The ledger's contract once more, as plainly as it can be said and without the rules of the room: what SQLite is
/// compared with.
final class MemoryLedger: JobLedger {
    struct Entry {
        var account: AccountID
        var token: SHA256Digest
        var event: EventContext?
        var generation: Int
        /// Nil when the newest generation has its result.
        var open: OpenJob?
        var isCalling = false
        var wasAmbiguous = false
        var copyAtEnd = 0
        var results: [Int: StoredResult] = [:]
        var unpublished: Set<Int> = []
        var hasUnpublishedDeadLetter = false
        var changes = 0
    }

    struct State {
        var jobs: [JobID: Entry] = [:]
        var days: [String: DayCount] = [:]
        var cancelled: Set<JobID> = []
        var cancelledForGood: Set<JobID> = []

        func find(_ arrival: Arrival, _ now: Timestamp) -> LookupResult {
            let entry = jobs[arrival.jobID]
            let lookup = MemoryLedger.find(entry, arrival, now)
            if cancelledForGood.contains(arrival.jobID) {
                switch lookup {
                case .fresh(_, nil) where entry == nil: return .cancelled(nil)
                case .fresh(_, nil): return .cancelled(MemoryLedger.begin(arrival, entry).open)
                case .resumed(let open), .overdue(let open): return .cancelled(open)
                default: return lookup
                }
            }
            guard cancelled.contains(arrival.jobID) else { return lookup }
            switch lookup {
            case .fresh(_, nil) where entry == nil:
                return arrival.attempts > 0 || arrival.isAmbiguous ? lookup : .cancelled(nil)
            case .resumed(let open), .overdue(let open):
                return entry?.hasNeverCalled == true ? .cancelled(open) : lookup
            default: return lookup
            }
        }
    }

    func cancel(_ jobID: JobID, at now: Timestamp) async throws(LedgerError) -> Bool {
        state.withLock { state in
            if let entry = state.jobs[jobID], !entry.hasNeverCalled { return false }
            state.cancelled.insert(jobID)
            return true
        }
    }

    func cancelForGood(
        _ jobID: JobID, newest generation: Int?, at now: Timestamp
    ) async throws(LedgerError) -> CancelAnswer {
        state.withLock { state in
            let entry = state.jobs[jobID]
            if let entry, entry.open == nil, generation.map({ $0 <= entry.generation }) ?? true {
                guard let result = entry.results[entry.generation] else {
                    preconditionFailure("ended without a result")
                }
                return .ended(result)
            }
            state.cancelledForGood.insert(jobID)
            guard let entry, var open = entry.open else { return .remembered }
            open.isAmbiguous = open.isAmbiguous || entry.isCalling
            return .open(
                CancelledJob(
                    jobID: jobID, account: entry.account, open: open, hasCalled: !entry.hasNeverCalled,
                    revision: entry.changes))
        }
    }

    func finishCancelled(_ job: CancelledJob, result: StoredResult) async throws(LedgerError) -> Bool {
        state.withLock { state in
            guard var entry = state.jobs[job.jobID], var open = entry.open, entry.changes == job.revision else {
                return false
            }
            open.isAmbiguous = open.isAmbiguous || entry.isCalling
            entry.end(open, result, needsDeadLetter: true)
            state.jobs[job.jobID] = entry
            state.cancelled.remove(job.jobID)
            state.cancelledForGood.remove(job.jobID)
            return true
        }
    }

    let state = Lock(State())

    // MARK: look

    func lookUp(_ arrival: Arrival, at now: Timestamp) async throws(LedgerError) -> LookupResult {
        state.withLock { $0.find(arrival, now) }
    }

    private static func find(_ entry: Entry?, _ arrival: Arrival, _ now: Timestamp) -> LookupResult {
        guard let entry else { return .fresh(isAmbiguous: arrival.isAmbiguous, predecessor: nil) }
        if entry.account != arrival.account || entry.token != arrival.tokenHash { return .conflict }
        let mayLackEvent = arrival.isCopy && (arrival.event == nil || entry.event == nil)
        if entry.event?.source != arrival.event?.source, !mayLackEvent { return .conflict }
        if arrival.generation < entry.generation { return .superseded(entry.results[arrival.generation]) }
        var open = entry.open
        if entry.isCalling { open?.isAmbiguous = true }
        if arrival.generation > entry.generation {
            return .fresh(
                isAmbiguous: arrival.isAmbiguous || (open?.isAmbiguous ?? entry.wasAmbiguous), predecessor: open)
        }
        guard var open else {
            guard let result = entry.results[entry.generation] else { preconditionFailure("neither open nor ended") }
            return .finished(
                FinishedJob(
                    generation: entry.generation, result: result,
                    resultIsPublished: !entry.unpublished.contains(entry.generation),
                    deadLetterIsPublished: !entry.hasUnpublishedDeadLetter))
        }
        if arrival.copy < open.copy {
            if !open.copyIsPublished { return .unparked(open) }
            guard let due = open.due, now.milliseconds > due.milliseconds + 120_000 else { return .parked(open) }
            return .overdue(open)
        }
        open.copy = arrival.copy
        open.attempts = max(open.attempts, arrival.attempts)
        open.isAmbiguous = open.isAmbiguous || arrival.isAmbiguous
        return .resumed(open)
    }

    // MARK: claim

    func claim(_ claim: Claim) async throws(LedgerError) -> ClaimAnswer {
        state.withLock { state in
            let id = claim.arrival.jobID
            let lookup = state.find(claim.arrival, claim.at)
            if claim.presumesNew, lookup != .fresh(isAmbiguous: false, predecessor: nil) { return .refused(lookup) }
            var entry: Entry
            switch lookup {
            case .fresh(let isAmbiguous, let predecessor):
                if predecessor != nil, claim.closing == nil { return .refused(lookup) }
                entry = Self.begin(claim.arrival, state.jobs[id])
                entry.open?.isAmbiguous = isAmbiguous
                if let predecessor, let closing = claim.closing {
                    entry.results[predecessor.generation] = closing
                    entry.unpublished.insert(predecessor.generation)
                    state.cancelled.remove(id)
                    state.cancelledForGood.remove(id)
                }
            case .resumed(var open):
                guard let known = state.jobs[id] else { preconditionFailure("resumed without a row") }
                open.due = nil
                open.copyIsPublished = true
                entry = known
                entry.open = open
            case .overdue(let open):
                guard let known = state.jobs[id] else { preconditionFailure("overdue without a row") }
                entry = known
                entry.open = open
            case .parked, .unparked, .leased, .cancelled, .finished, .superseded, .conflict:
                return .refused(lookup)
            }
            guard var open = entry.open else { preconditionFailure("claimed and not open") }
            if claim.kind == .call, !claim.isAmbiguous, open.isAmbiguous || entry.isCalling { return .refused(lookup) }
            let isFirstCall = claim.kind == .call && open.firstCallAt == nil
            open.attempts = max(open.attempts, claim.attempts)
            open.isAmbiguous = open.isAmbiguous || claim.isAmbiguous
            open.malformedAnswers = max(open.malformedAnswers, claim.malformedAnswers)
            if claim.kind == .call {
                if open.firstCallAt == nil { open.firstCallAt = claim.at }
                entry.isCalling = true
            }
            entry.open = open
            entry.changes += 1
            state.jobs[id] = entry
            var count = state.days[claim.day] ?? DayCount(calls: 0, albumQueries: 0)
            if claim.kind == .call { count.calls += 1 } else { count.albumQueries += 1 }
            state.days[claim.day] = count
            return .claimed(open, .sole(isFirstCall: isFirstCall))
        }
    }

    private static func begin(_ arrival: Arrival, _ old: Entry?) -> Entry {
        var entry =
            old
            ?? Entry(
                account: arrival.account, token: arrival.tokenHash, event: arrival.event,
                generation: arrival.generation)
        entry.open = OpenJob(
            generation: arrival.generation, copy: arrival.copy, attempts: arrival.attempts,
            isAmbiguous: arrival.isAmbiguous || entry.wasAmbiguous || entry.isCalling, firstSeen: arrival.firstSeen,
            event: entry.event)
        entry.generation = arrival.generation
        entry.isCalling = false
        entry.hasUnpublishedDeadLetter = false
        return entry
    }

    // MARK: record

    func record(
        _ record: Record, under lease: Lease?, isUnheard: Bool
    ) async throws(LedgerError) -> Recorded {
        state.withLock { state in
            let arrival = record.arrival
            let staysUnheard = isUnheard && lease != nil
            let known = state.jobs[arrival.jobID]
            var entry: Entry
            if let known, known.generation >= arrival.generation {
                guard known.generation == arrival.generation, known.open != nil else { return .alreadyEnded }
                entry = known
            } else {
                switch record {
                case .callEnded, .postponed, .steppedAside: return .copy(known?.lastCopy ?? arrival.copy)
                case .finished, .parked: entry = Self.begin(arrival, known)
                }
            }
            guard var open = entry.open else { preconditionFailure("recorded and not open") }
            // What rests on a lookup alone, and knows of no call that went unheard, is older than that call.
            if lease == nil, open.isAmbiguous || entry.isCalling, !record.isInDoubt, !record.isProof { return .fenced }
            func add(_ attempts: Int, _ isAmbiguous: Bool, _ malformed: Int) {
                open.attempts = max(open.attempts, attempts)
                open.isAmbiguous = open.isAmbiguous || isAmbiguous || staysUnheard
                open.malformedAnswers = max(open.malformedAnswers, malformed)
                entry.isCalling = false
            }
            switch record {
            case .finished(_, let result, let attempts, let isAmbiguous, let needsDeadLetter, _):
                add(attempts, isAmbiguous, 0)
                entry.end(open, result, needsDeadLetter: needsDeadLetter)
                state.cancelled.remove(arrival.jobID)
                state.cancelledForGood.remove(arrival.jobID)
                state.jobs[arrival.jobID] = entry
                return .copy(open.copy)
            case .parked(_, let attempts, let isAmbiguous, let malformed, let due):
                add(attempts, isAmbiguous, malformed)
                open.copy = max(open.copy, arrival.copy) + 1
                open.due = due
                open.copyIsPublished = false
            case .callEnded(_, let attempts, let isAmbiguous, let malformed):
                add(attempts, isAmbiguous, malformed)
            case .postponed(_, let due):
                guard open.copy == arrival.copy, open.due != due else { return .copy(open.copy) }
                open.due = due
                open.isAmbiguous = open.isAmbiguous || staysUnheard
            case .steppedAside(_, let due):
                guard open.copy == arrival.copy, open.due.map({ $0 < due }) ?? true else { return .copy(open.copy) }
                open.due = due
            }
            entry.open = open
            entry.changes += 1
            state.jobs[arrival.jobID] = entry
            return .copy(open.copy)
        }
    }

    func withdraw(
        _ lease: Lease, of jobID: JobID, kind: Claim.Kind, day: String
    ) async throws(LedgerError) {
        state.withLock { state in
            guard var entry = state.jobs[jobID], var open = entry.open else { return }
            entry.isCalling = false
            if lease.isFirstCall { open.firstCallAt = nil }
            entry.open = open
            entry.changes += 1
            state.jobs[jobID] = entry
            var count = state.days[day] ?? DayCount(calls: 0, albumQueries: 0)
            if kind == .call { count.calls -= 1 } else { count.albumQueries -= 1 }
            state.days[day] = count
        }
    }
}

extension MemoryLedger.Entry {
    var hasNeverCalled: Bool {
        guard let open else { return false }
        return !isCalling && open.firstCallAt == nil && open.attempts == 0 && !open.isAmbiguous
    }

    /// What `record` answers when it changes nothing.
    var lastCopy: Int { open?.copy ?? copyAtEnd }

    mutating func end(_ open: OpenJob, _ result: StoredResult, needsDeadLetter: Bool) {
        results[generation] = result
        unpublished.insert(generation)
        hasUnpublishedDeadLetter = needsDeadLetter
        wasAmbiguous = open.isAmbiguous
        copyAtEnd = open.copy
        isCalling = false
        changes += 1
        self.open = nil
    }
}
