import Clocks
import Jobs
import Ledger
import Messages

/// The progress of jobs before their results: reported where `results.progress` is on, each state once, when the job is
/// known to be in it. It is decided with the rest of what becomes of the delivery, and offered to the broker when that is
/// settled.
///
/// A kill -9 loses it, or repeats it: the copy that says what was reported is with the broker before the report.
extension Worker {
    /// Nothing is reported that is no fault: a turn that has not come, a share that is spent, a delivery that is handed
    /// back.
    func report(
        _ state: ProgressState, of run: inout JobRun, until: Timestamp? = nil, cause: String? = nil,
        detail: String? = nil
    ) {
        guard live.reportsProgress, !run.item.jobHeaders.reportedProgress.contains(state) else { return }
        run.item.jobHeaders.reportedProgress.insert(state)
        run.report = JobProgress(
            of: run.job, state, generation: run.arrival.generation,
            number: run.item.jobHeaders.reportedProgress.count, attempts: run.progress.attempts, at: clock.wall(),
            until: until, cause: cause, detail: detail, event: run.progress.event, trace: run.trace)
    }

    /// A hold keeps the job: of its account, or of the worker, by the cause of the newest that stands.
    func reportHold(of run: inout JobRun, _ cause: AccountWaitCause? = nil, until: Timestamp? = nil) {
        // Nothing is looked up of a hold that was reported, or that nobody wants to hear of.
        guard live.reportsProgress, !run.item.jobHeaders.reportedProgress.contains(.held) else { return }
        let hold = dispatcher.holds.max { $0.since < $1.since }
        report(.held, of: &run, until: until, cause: cause?.rawValue ?? hold?.cause.rawValue)
    }
}
