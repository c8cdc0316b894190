import AMQP
import Clocks
import Jobs
import Ledger
import Messages
import Photos

/// What nobody delivers has to be looked for: results that were recorded and never confirmed, copies that never came,
/// a results queue that is gone while a follower's queue still takes the results.
///
/// Runs at the start, at each lift of a hold, and every minute.
struct UnpublishedSweep: Sendable {
    let ledger: any JobLedger
    let publisher: ResultPublisher
    let dispatcher: Dispatcher
    let queues: any QueueInspecting
    let clock: any TimeSource
    let names: QueueNames
    /// How long a parked copy may be late before its job is reported lost.
    let lostAfter: Duration
    /// How long nothing is heard of it between two looks: longer than a delivery is on its way, or a copy steps aside
    /// without a word in the ledger.
    let unheardFor: Duration
    let onEvent: @Sendable (PipelineEvent) -> Void

    /// One page of the ledger at a time, so that intake is not delayed by a long list.
    private static let page = 256

    /// Publishes the results that the broker is not known to have. A dead letter or copy cannot be made here, because
    /// the ledger has no share token; the delivery that owes it is unacked and comes again by itself.
    ///
    /// `ofOthers`: also those that members which have ended have left.
    func publishUnpublishedResults(ofOthers: Bool) async {
        var last: JobID?
        defer { dispatcher.forgetLeftJobs() }
        while !Task.isCancelled {
            let unpublished: [UnpublishedResult]
            // A worker that has one of them in flight publishes it; so has one that got and left it since it was read.
            dispatcher.noteLeavingJobs()
            do throws(LedgerError) {
                unpublished = try await ledger.unpublishedResults(after: last, limit: Self.page)
            } catch {
                return onEvent(.ledgerRefused(.init(jobID: nil, detail: error.description)))
            }
            for entry in unpublished
            where (ofOthers || !entry.isLeftByAnother) && dispatcher.standIn(for: entry.jobID) {
                let isPublished = await publisher.publishResult(entry.result, replayed: false, replyTo: nil)
                if isPublished { ledger.mark(.result, of: entry.jobID, generation: entry.generation) }
                // Behind the mark: a delivery that came meanwhile does not publish it once more.
                dispatcher.vacate(entry.jobID)
                guard isPublished else { return }
                onEvent(
                    .ended(
                        .init(
                            jobID: entry.jobID, account: nil, outcome: entry.result.outcome,
                            reason: entry.result.reason, attempts: 0, timeToResult: .zero,
                            detail: "published after an interruption",
                            traceID: TraceContext(traceparent: entry.result.traceparent).traceID)))
            }
            guard unpublished.count == Self.page, let end = unpublished.last else { return }
            last = end.jobID
        }
    }

    /// Holds the worker while the results queue is gone: a follower's queue on the same exchange would have results
    /// confirmed that no consumer will ever read.
    func checkResultsQueue() async {
        let queue = names.results
        switch await queues.depth(of: queue) {
        case .some(.some): dispatcher.lift(.resultsUnroutable)
        case .some(.none):
            dispatcher.hold(.resultsUnroutable, detail: "queue \(queue) does not exist; run `topology declare`")
        case .none: break
        }
    }

    /// Reports jobs whose copy never came. Only when the worker could have had it: it has been consuming all that
    /// time, nothing is left on `due`, and so it was at an earlier look, since which nothing was heard of the job.
    /// `consumingSince`: nil if the worker does not consume, or cannot tell what is late.
    func reportLostJobs(consumingSince: MonotonicTime?) async {
        let now = clock.wall()
        guard let consumingSince, clock.now() - consumingSince > lostAfter, await isEverythingDueTaken()
        else { return dispatcher.forgetMissingJobs() }
        let late = now - lostAfter
        do throws(LedgerError) {
            let overdue = try await ledger.overdue(before: late, limit: Self.page)
            for job in dispatcher.lostJobs(among: overdue, unheardFor: unheardFor) where dispatcher.isMissing(job.jobID)
            {
                try await reportLost(job, at: now)
            }
        } catch {
            onEvent(.ledgerRefused(.init(jobID: nil, detail: error.description)))
        }
    }

    /// Whether no copy waits on `due`.
    func isEverythingDueTaken() async -> Bool {
        guard case .some(.some(let due)) = await queues.depth(of: names.queue(.due)) else { return false }
        return due.messages == 0
    }

    private func reportLost(_ job: OverdueJob, at now: Timestamp) async throws(LedgerError) {
        let detail = "its copy was due at \((job.open.due ?? now).rfc3339) and never came; submit it again"
        let result = JobResult(.failed(.jobLost, detail: detail), of: job.resultSubject, at: now)
        let stored = StoredResult(result, of: job.jobID, at: now)
        guard try await ledger.finishLost(job, result: stored) else { return }
        guard await publisher.publishResult(stored, replayed: false, replyTo: nil) else { return }
        ledger.mark(.result, of: job.jobID, generation: job.open.generation)
        onEvent(
            .ended(
                .init(
                    jobID: job.jobID, account: job.account, outcome: result.outcome, reason: result.reason,
                    attempts: result.attempts, timeToResult: now - job.open.firstSeen, detail: detail)))
    }
}
