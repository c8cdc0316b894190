import Clocks
import Concurrency
import Jobs
import Secrets

@testable import Ledger
@testable import SQLiteLedger

/// The ledger's contract once more, as plainly as it can be said and without the rules of the room: what SQLite is
/// compared with.
final class MemoryLedger: JobLedger {
    fileprivate struct Entry {
        var account: AccountID
        var token: SHA256Digest
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

    private struct State {
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

    private let state = Lock(State())

    // MARK: look

    func lookUp(_ arrival: Arrival, at now: Timestamp) async throws(LedgerError) -> LookupResult {
        state.withLock { $0.find(arrival, now) }
    }

    private static func find(_ entry: Entry?, _ arrival: Arrival, _ now: Timestamp) -> LookupResult {
        guard let entry else { return .fresh(isAmbiguous: arrival.isAmbiguous, predecessor: nil) }
        if entry.account != arrival.account || entry.token != arrival.tokenHash { return .conflict }
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
            case .parked, .unparked, .cancelled, .finished, .superseded, .conflict:
                return .refused(lookup)
            }
            guard var open = entry.open else { preconditionFailure("claimed and not open") }
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
            return .claimed(open)
        }
    }

    private static func begin(_ arrival: Arrival, _ old: Entry?) -> Entry {
        var entry =
            old ?? Entry(account: arrival.account, token: arrival.tokenHash, generation: arrival.generation)
        entry.open = OpenJob(
            generation: arrival.generation, copy: arrival.copy, attempts: arrival.attempts,
            isAmbiguous: arrival.isAmbiguous || entry.wasAmbiguous || entry.isCalling, firstSeen: arrival.firstSeen)
        entry.generation = arrival.generation
        entry.isCalling = false
        entry.hasUnpublishedDeadLetter = false
        return entry
    }

    // MARK: record

    func record(_ record: Record) async throws(LedgerError) -> Int {
        state.withLock { state in
            let arrival = record.arrival
            let known = state.jobs[arrival.jobID]
            var entry: Entry
            if let known, known.generation >= arrival.generation {
                guard known.generation == arrival.generation, known.open != nil else { return known.lastCopy }
                entry = known
            } else {
                switch record {
                case .callEnded, .postponed: return known?.lastCopy ?? arrival.copy
                case .finished, .parked: entry = Self.begin(arrival, known)
                }
            }
            guard var open = entry.open else { preconditionFailure("recorded and not open") }
            func add(_ attempts: Int, _ isAmbiguous: Bool, _ malformed: Int) {
                open.attempts = max(open.attempts, attempts)
                open.isAmbiguous = open.isAmbiguous || isAmbiguous
                open.malformedAnswers = max(open.malformedAnswers, malformed)
                entry.isCalling = false
            }
            switch record {
            case .finished(_, let result, let attempts, let isAmbiguous, let needsDeadLetter):
                add(attempts, isAmbiguous, 0)
                entry.end(open, result, needsDeadLetter: needsDeadLetter)
                state.cancelled.remove(arrival.jobID)
                state.cancelledForGood.remove(arrival.jobID)
                state.jobs[arrival.jobID] = entry
                return open.copy
            case .parked(_, let attempts, let isAmbiguous, let malformed, let due):
                add(attempts, isAmbiguous, malformed)
                open.copy = max(open.copy, arrival.copy) + 1
                open.due = due
                open.copyIsPublished = false
            case .callEnded(_, let attempts, let isAmbiguous, let malformed):
                add(attempts, isAmbiguous, malformed)
            case .postponed(_, let due):
                guard open.copy == arrival.copy, open.due != due else { return open.copy }
                open.due = due
            }
            entry.open = open
            entry.changes += 1
            state.jobs[arrival.jobID] = entry
            return open.copy
        }
    }

    // MARK: the rest

    func mark(_ part: PublishedPart, of jobID: JobID, generation: Int) {
        state.withLock { state in
            guard var entry = state.jobs[jobID] else { return }
            switch part {
            case .result: entry.unpublished.remove(generation)
            case .deadLetter:
                if generation == entry.generation, entry.open == nil { entry.hasUnpublishedDeadLetter = false }
            case .copy(let number):
                if generation == entry.generation, entry.open?.copy == number, entry.open?.copyIsPublished == false {
                    entry.open?.copyIsPublished = true
                    entry.changes += 1
                }
            }
            state.jobs[jobID] = entry
        }
    }

    func note(_ event: JobEvent) {}

    func count(of day: String) async throws(LedgerError) -> DayCount {
        state.withLock { $0.days[day] ?? DayCount(calls: 0, albumQueries: 0) }
    }

    func unpublishedResults(after last: JobID?, limit: Int) async throws(LedgerError) -> [UnpublishedResult] {
        state.withLock { state in
            let insertUnpublished = state.jobs.filter { !$0.value.unpublished.isEmpty }.sorted {
                $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
            }
            return insertUnpublished.filter { (last?.utf8 ?? []).lexicographicallyPrecedes($0.key.utf8) }.prefix(limit)
                .compactMap { id, entry in
                    guard let generation = entry.unpublished.min(), let result = entry.results[generation] else {
                        return nil
                    }
                    return UnpublishedResult(jobID: id, generation: generation, result: result)
                }
        }
    }

    func overdue(before time: Timestamp, limit: Int) async throws(LedgerError) -> [OverdueJob] {
        state.withLock { state in
            let late = state.jobs.compactMap { id, entry -> (Timestamp, OverdueJob)? in
                guard var open = entry.open, let due = open.due, due < time, open.copyIsPublished else { return nil }
                open.isAmbiguous = open.isAmbiguous || entry.isCalling
                return (due, OverdueJob(jobID: id, account: entry.account, open: open, revision: entry.changes))
            }
            return late.sorted { $0.0 < $1.0 }.prefix(limit).map(\.1)
        }
    }

    func finishLost(_ job: OverdueJob, result: StoredResult) async throws(LedgerError) -> Bool {
        state.withLock { state in
            guard var entry = state.jobs[job.jobID], var open = entry.open, entry.changes == job.revision else {
                return false
            }
            open.isAmbiguous = open.isAmbiguous || entry.isCalling
            entry.end(open, result, needsDeadLetter: false)
            state.jobs[job.jobID] = entry
            return true
        }
    }

    func knowsSuccess() async throws(LedgerError) -> Bool {
        state.withLock { state in
            state.jobs.values.contains { job in job.results.values.contains { $0.outcome != .failed } }
        }
    }

    func statistics() async throws(LedgerError) -> LedgerStatistics {
        state.withLock { state in
            let open = state.jobs.values.filter { $0.open != nil }
            return LedgerStatistics(
                entries: state.jobs.count, open: open.count,
                ambiguous: open.filter { $0.isCalling || $0.open?.isAmbiguous == true }.count,
                unpublished: state.jobs.values.reduce(0) { $0 + $1.unpublished.count }, overdue: 0, bytes: 0,
                diskFreeBytes: 0,
                unpublishedDeadLetters: state.jobs.values.filter { $0.open == nil && $0.hasUnpublishedDeadLetter }.count
            )
        }
    }
}

extension MemoryLedger.Entry {
    fileprivate var hasNeverCalled: Bool {
        guard let open else { return false }
        return !isCalling && open.firstCallAt == nil && open.attempts == 0 && !open.isAmbiguous
    }

    /// What `record` answers when it changes nothing.
    fileprivate var lastCopy: Int { open?.copy ?? copyAtEnd }

    fileprivate mutating func end(_ open: OpenJob, _ result: StoredResult, needsDeadLetter: Bool) {
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
