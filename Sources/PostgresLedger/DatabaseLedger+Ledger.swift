package import Clocks
import Concurrency
package import Jobs
package import Ledger

extension DatabaseLedger {
    package func lookUp(_ arrival: Arrival, at now: Timestamp) async throws(LedgerError) -> LookupResult {
        try await decide(.lookUp(arrival, now)) { answer, _ in if case .found(let found) = answer { found } else { nil }
        }
    }

    package func claim(_ claim: Claim) async throws(LedgerError) -> ClaimAnswer {
        try await decide(.claim(claim)) { answer, beginsBefore in
            switch answer {
            case .claimed(let open, let fence, let isFirstCall, let slot):
                .claimed(open, Lease(fence: fence, beginsBefore: beginsBefore, isFirstCall: isFirstCall, slot: slot))
            case .refused(let lookup): .refused(lookup)
            case .busy(let busy): .busy(busy)
            case .notAllotted: .notAllotted
            case .found, .recorded, .done, .isDone, .cancelled, .waits, .failed: nil
            }
        }
    }

    @discardableResult
    package func record(
        _ record: Record, under lease: Lease?, isUnheard: Bool
    ) async throws(LedgerError) -> Recorded {
        try await decide(.record(record, lease, isUnheard: isUnheard, clock.wall())) { answer, _ in
            if case .recorded(let recorded) = answer { recorded } else { nil }
        }
    }

    package func withdraw(
        _ lease: Lease, of jobID: JobID, kind: Claim.Kind, day: String
    ) async throws(LedgerError) {
        let isDone: Bool = try await decide(.withdraw(lease, jobID, kind, day: day, clock.wall())) { answer, _ in
            answer == .done
        }
        precondition(isDone, "a withdrawal has one answer")
    }

    package var sharesAccounts: Bool { true }

    package func noteRefusal(
        of account: AccountID, for cause: AccountWaitCause, atLeast minimum: Duration
    ) async throws(LedgerError) -> Timestamp? {
        let until: Timestamp = try await decide(.refuse(account, cause, atLeast: minimum, clock.wall())) { answer, _ in
            if case .waits(let until) = answer { until } else { nil }
        }
        return until
    }

    package func cancel(_ jobID: JobID, at now: Timestamp) async throws(LedgerError) -> Bool {
        try await decide(.cancel(jobID, now), Self.isDone)
    }

    package func cancelForGood(
        _ jobID: JobID, newest generation: Int?, at now: Timestamp
    ) async throws(LedgerError) -> CancelAnswer {
        try await decide(.cancelForGood(jobID, newest: generation, now)) { answer, _ in
            if case .cancelled(let cancelled) = answer { cancelled } else { nil }
        }
    }

    package func finishCancelled(_ job: CancelledJob, result: StoredResult) async throws(LedgerError) -> Bool {
        try await decide(.finishCancelled(job, result, clock.wall()), Self.isDone)
    }

    package func mark(_ part: PublishedPart, of jobID: JobID, generation: Int) {
        // Refused only by a closed ledger: then the next delivery publishes once more, under the same message-id.
        _ = post(.mark(part, jobID, generation: generation)) { _, _ in }
    }

    package func note(_ event: JobEvent) {
        thread.post(.line { _ in LedgerLines.adding(event) })
    }

    package func count(of day: String) async throws(LedgerError) -> DayCount {
        try await ask { _ in LedgerQuestions.count(of: day) }
    }

    package func unpublishedResults(after last: JobID?, limit: Int) async throws(LedgerError) -> [UnpublishedResult] {
        try await ask { LedgerQuestions.unpublished(after: last, limit: limit, $0) }
    }

    package func overdue(before time: Timestamp, limit: Int) async throws(LedgerError) -> [OverdueJob] {
        try await ask { _ in LedgerQuestions.overdue(before: time, limit: limit) }
    }

    package func finishLost(_ job: OverdueJob, result: StoredResult) async throws(LedgerError) -> Bool {
        try await decide(.finishLost(job, result, clock.wall()), Self.isDone)
    }

    package func knowsSuccess() async throws(LedgerError) -> Bool {
        try await ask { _ in LedgerQuestions.knowsSuccess() }
    }

    package func commitTrial() async throws(LedgerError) {
        guard try await ask({ MemberStatements.commitTrial(epoch: $0.epoch) }) else {
            throw .unavailable("this process is no member of the ledger now, and has committed nothing")
        }
    }

    package func statistics() async throws(LedgerError) -> LedgerStatistics {
        let member = try await ask(LedgerLines.barrier)
        return try await reader.ask(LedgerStatistics.question(at: clock.wall(), member))
    }

    package func approximateStatistics() async throws(LedgerError) -> LedgerStatistics {
        let member = try await ask(LedgerLines.barrier)
        return try await reader.ask(LedgerStatistics.sample(at: clock.wall(), member))
    }

    @Sendable
    private static func isDone(_ answer: JobAnswer, _: MonotonicTime) -> Bool? {
        if case .isDone(let isDone) = answer { isDone } else { nil }
    }

    // MARK: Asking the thread

    /// - Parameter read: the answer of the request's kind; nil for another, which no request gets.
    private func decide<Answer: Sendable>(
        _ request: JobRequest, _ read: @escaping @Sendable (JobAnswer, _ beginsBefore: MonotonicTime) -> Answer?
    ) async throws(LedgerError) -> Answer {
        let result = await withCheckedContinuation { (reply: CheckedContinuation<Result<Answer, LedgerError>, Never>) in
            let isTaken = post(request) { answer, beginsBefore in
                if case .failed(let error) = answer { return reply.resume(returning: .failure(error)) }
                guard let read = read(answer, beginsBefore) else {
                    preconditionFailure("a request is answered in its own kind")
                }
                reply.resume(returning: .success(read))
            }
            if !isTaken { reply.resume(returning: .failure(.closed)) }
        }
        return try result.get()
    }

    /// In the next batch, behind what was posted before.
    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (AskingMember) -> LedgerQuestion<Answer>
    ) async throws(LedgerError) -> Answer {
        let result = await withCheckedContinuation { (reply: CheckedContinuation<Result<Answer, LedgerError>, Never>) in
            let isTaken = thread.post(
                .query { member in question(member).query { reply.resume(returning: $0) } })
            if !isTaken { reply.resume(returning: .failure(.closed)) }
        }
        return try result.get()
    }
}
