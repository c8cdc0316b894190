package import Clocks
import Concurrency
import Jobs
package import Ledger
import Operations
import Photos
package import Pipeline
package import Telemetry

/// What the pipeline tells becomes log lines and lines of a job's history.
package final class PipelineReport: Sendable {
    private let logger: Logger
    private let ledger: any LedgerKeeping
    private let clock: any TimeSource
    /// The holds that were told. Holds change seldom, on any thread.
    private let reported = Lock<[HoldCause: Hold]>([:])

    package init(logger: Logger, ledger: any LedgerKeeping, clock: any TimeSource) {
        self.logger = logger
        self.ledger = ledger
        self.clock = clock
    }

    package func take(_ event: PipelineEvent) {
        switch event {
        case .ended(let job): ended(job)
        case .replayed(let id): logger.info("replayed the result", job(id))
        case .called(let call): called(call)
        case .parked(let copy): parked(copy)
        case .steppedAside(let copy): steppedAside(copy)
        case .released(let count): logger.debug("handed back", LogField("count", count))
        case .cancelled(let cancel):
            logger.info(
                cancel.isInTime ? "cancelled" : "asked to cancel a job that has called or ended", job(cancel.jobID))
            if cancel.isInTime { note(cancel.jobID, 0, "cancelled", "it ends without a call when it comes") }
        case .deadLetterPublished(let reason): logger.debug("dead letter", LogField("reason", reason.rawValue))
        case .replyCopy(let delivered):
            if !delivered { logger.info("a copy of a result could not be delivered to its reply-to") }
        case .holdsChanged(let change): holdsChanged(change)
        case .accountWaits(let hold): accountWaits(hold)
        case .accountGoesOn(let resumed):
            logger.notice(
                "the account goes on", LogField("account", .account(resumed.account.utf8)),
                LogField("cause", resumed.cause))
        case .forgedHeaders(let id):
            logger.notice("ignored the worker's own headers on a publisher's message", job(id))
        case .headersDropped(let id):
            logger.notice("dropped a message's own headers: they do not fit beside the worker's", job(id))
        case .quarantine(let suspect):
            logger.warning("set a job apart: the worker died with it in hand", LogField("suspect", suspect))
        case .publishRefused(let refusal):
            logger.error(
                "the broker refused a message: \(refusal.detail)", LogField("exchange", refusal.exchange),
                LogField("routing_key", refusal.routingKey))
        case .ledgerRefused(let refusal):
            logger.warning("the ledger cannot answer: \(refusal.detail)", job(refusal.jobID))
        case .fenced(let fenced): recordFenced(fenced)
        case .overdue(let id): logger.notice("its retry copy is overdue; another delivery takes over", job(id))
        case .settled: break
        }
    }

    private func parked(_ copy: PipelineEvent.JobParked) {
        logger.info(
            "parked", job(copy.jobID), LogField("delay_s", .seconds(copy.delay?.inSeconds ?? 0)),
            LogField("wait_s", .seconds(copy.wait.inSeconds)), LogField("cause", copy.cause))
        guard let id = copy.jobID else { return }
        let what = "for \(Int(copy.wait.inSeconds.rounded())) s: \(copy.cause)"
        note(id, copy.generation, "parked", JobEvent.detail(what, trace: copy.traceID))
    }

    private func steppedAside(_ copy: PipelineEvent.JobDeferred) {
        if logger.isEnabled(.debug) {
            logger.debug(
                "stepped aside", job(copy.jobID), LogField("delay_s", .seconds(copy.delay?.inSeconds ?? 0)),
                LogField("wait_s", .seconds(copy.wait.inSeconds)), LogField("cause", copy.cause.message),
                LogField("moves", copy.moves))
        }
        // However often a wait is cut into pieces, it is one line.
        if let id = copy.jobID, copy.cause.isLogged, copy.moves == 1 {
            note(id, copy.generation, "waits", "for \(Int(copy.wait.inSeconds.rounded())) s: \(copy.cause.message)")
        }
    }

    private func recordFenced(_ fenced: PipelineEvent.Fenced) {
        let detail = "another worker has claimed the job meanwhile; what was heard of it here is not written"
        logger.warning("fenced: \(detail)", job(fenced.jobID))
        note(fenced.jobID, fenced.generation, "fenced", detail)
    }

    private func job(_ id: JobID?) -> LogField { LogField("job", id?.string ?? "unknown") }

    private func note(_ id: JobID, _ generation: Int, _ kind: String, _ detail: String) {
        ledger.note(JobEvent(jobID: id, generation: generation, at: clock.wall(), kind: kind, detail: detail))
    }

    private func called(_ call: PipelineEvent.Call) {
        // Once for every call, so nothing of it is made where nobody reads it.
        if logger.isEnabled(.debug) {
            logger.debug(
                "called", job(call.jobID), LogField("request", call.request.rawValue),
                LogField("account", .account(call.account.utf8)), LogField("row", call.row),
                LogField("verdict", call.verdict), call.httpStatus.map { LogField("status", $0) },
                LogField("took_s", .seconds(call.duration.inSeconds)))
        }
        // The result says the rest.
        guard call.verdict != "left" else { return }
        let status = call.httpStatus.map { ", status \($0)" } ?? ""
        note(
            call.jobID, call.generation, call.request == .leave ? "called" : "asked",
            "row \(call.row), \(call.verdict)\(status): \(call.detail)")
    }

    private func ended(_ end: PipelineEvent.JobEnded) {
        let level: LogLevel =
            switch end.outcome {
            case .left, .alreadyLeft: .info
            case .failed, .rejected: .warning
            }
        guard logger.isEnabled(level) else { return }
        // A hundred jobs that fail alike are a hundred lines: each is somebody's job.
        logger.logEach(
            level, "job ended", job(end.jobID), LogField("outcome", end.outcome.rawValue),
            end.account.map { LogField("account", .account($0.utf8)) },
            end.reason.map { LogField("reason", $0.rawValue) }, LogField("attempts", end.attempts),
            LogField("time_to_result_s", .seconds(end.timeToResult.inSeconds)),
            end.traceID.map { LogField("trace_id", $0) }, end.detail.map { LogField("detail", $0) })
    }

    private func holdsChanged(_ change: PipelineEvent.HoldsChanged) {
        let now = clock.wall()
        for hold in change.lifted {
            reported.withLock { $0[hold.cause] = nil }
            ledger.recordHold(hold.cause, since: hold.since, until: now, detail: hold.detail)
            logger.notice("hold lifted", LogField("cause", hold.cause.rawValue))
        }
        for hold in change.holds {
            let before = reported.withLock { $0.updateValue(hold, forKey: hold.cause) }
            if before == nil { ledger.recordHold(hold.cause, since: hold.since, until: nil, detail: hold.detail) }
            guard before.map({ Self.isNews(hold, after: $0) }) ?? true else { continue }
            let message = DaemonStatus.Hold(hold)
            logger.warning(
                "on hold: \(hold.detail)", LogField("cause", hold.cause.rawValue),
                LogField("since", hold.since.rfc3339),
                LogField("next_probe", hold.nextProbeAt?.rfc3339 ?? "when it is mended"),
                message.tried.map { LogField("tried", $0) },
                message.redrive.map { _ in LogField("ended", message.ended.count) },
                message.redrive.map { LogField("redrive", $0) })
        }
    }

    /// A round is told with the time of the next one, not with each job that it tried.
    private static func isNews(_ hold: Hold, after before: Hold) -> Bool {
        var counted = before
        counted.refusedProbes = hold.refusedProbes
        return counted != hold
    }

    private func accountWaits(_ hold: AccountHold) {
        let account = LogField("account", .account(hold.account.utf8))
        let cause = LogField("cause", hold.cause)
        let until = hold.until.map { LogField("until", $0.rfc3339) }
        let detail = hold.detail.map { ": \($0)" } ?? ""
        if hold.isFault {
            // With one account alone it is as if the worker stood still, and there is no hold to say so.
            logger.warning(
                "an account waits, and others go on: its calls fail and nobody else's was made since; it tries again by "
                    + "itself, or when its fault is mended at `leave-albumd resume --account`\(detail)",
                account, cause, until)
        } else {
            logger.info("an account waits for its own rate\(detail)", account, cause, until)
        }
    }
}
