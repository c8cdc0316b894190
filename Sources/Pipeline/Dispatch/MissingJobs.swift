import Clocks
import Jobs
import Ledger

/// Jobs whose copy is overdue and that the sweep found nowhere, until a delivery of them comes.
///
/// One look does not show that a copy is lost: it may have left `due` and not have come yet, or have stepped aside in the
/// moment between two questions of the sweep. A copy that exists is delivered between two looks, for the worker consumes
/// and `due` is empty at both.
struct MissingJobs: Sendable {
    private struct Missing {
        var revision: Int
        var since: MonotonicTime
    }

    private var jobs: [JobID: Missing] = [:]

    /// A delivery of the job has come.
    mutating func delivered(_ id: JobID) {
        if !jobs.isEmpty { jobs[id] = nil }
    }

    /// Something else than their loss may keep them away.
    mutating func forget() { jobs = [:] }

    /// Notes what is missing now. Those that were missing at a look so long ago too, and of which nothing was heard since,
    /// are lost.
    mutating func note(
        _ overdue: [OverdueJob], unheardFor time: Duration, at now: MonotonicTime
    ) -> [OverdueJob] {
        var found: [JobID: Missing] = [:]
        for job in overdue {
            let known = jobs[job.jobID].flatMap { $0.revision == job.revision ? $0 : nil }
            found[job.jobID] = known ?? Missing(revision: job.revision, since: now)
        }
        jobs = found
        return overdue.filter { job in jobs[job.jobID].map { now - $0.since >= time } ?? false }
    }

    /// Whether no delivery of the job has come since it was noted.
    func contains(_ id: JobID) -> Bool { jobs[id] != nil }
}

extension Dispatcher {
    /// Of overdue jobs, those whose copy is lost.
    func lostJobs(among overdue: [OverdueJob], unheardFor time: Duration) -> [OverdueJob] {
        var lost: [OverdueJob] = []
        change { state, now in
            let missing = overdue.filter { state.dispatch.duplicateGroups[$0.jobID] == nil }
            lost = state.dispatch.missingJobs.note(missing, unheardFor: time, at: now)
        }
        return lost
    }

    /// Whether nothing has been heard of the job since it was missed.
    func isMissing(_ id: JobID) -> Bool { withDispatch { $0.missingJobs.contains(id) } }

    func forgetMissingJobs() { change { state, _ in state.dispatch.missingJobs.forget() } }
}
