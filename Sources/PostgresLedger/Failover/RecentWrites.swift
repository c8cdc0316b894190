import Clocks
import Jobs
import Ledger

/// What this process has committed of jobs lately: what a database that failed over may have lost, and can be given again.
///
/// The newest state of each job, with the results that came with it, and what each commit counted of the day. Bounded: a
/// standby that lags by more is not one to fail over to.
struct RecentWrites: Sendable {
    private struct Write {
        var after: StoredJob
        /// Results of this process. One of each generation.
        var results: [(generation: Int, result: StoredResult)] = []
        /// Each commit, oldest first: the revision that it made, and what it counted.
        var commits: [(revision: Int, counts: [MemberDay: DayCount])] = []
        var countedAt: Timestamp?
        /// That the newest claim in it took.
        var slot: AccountSlot?

        var bytes: Int { results.reduce(0) { $0 + $1.result.body.count } }
    }

    private var writes = RecentTable<JobID, Write>(most: mostJobs, mostBytes: mostBytes)

    static let mostJobs = 2_048
    static let mostBytes = 1 << 20

    /// In the order in which every batch locks them.
    var ids: [JobID] { writes.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }

    /// The job as this process has left it, without its results, and the slot of its newest claim.
    func newest(of id: JobID) -> (job: StoredJob, slot: AccountSlot?)? { writes[id].map { ($0.after, $0.slot) } }

    /// It is committed.
    mutating func note(_ plan: JobPlan, at now: MonotonicTime) {
        guard plan.changesRow else { return }
        writes.note(plan.jobID, from: Write(after: plan.after), at: now, size: \.bytes) { write in
            write.after = plan.after
            // Those that were read are the database's.
            write.after.results = [:]
            write.countedAt = plan.countedAt ?? write.countedAt
            if plan.claims { write.slot = plan.slot?.slot }
            write.commits.append((plan.after.revision, plan.counts))
            for generation in plan.newResults {
                guard let result = plan.after.results[generation]?.result else { continue }
                write.results.removeAll { $0.generation == generation }
                write.results.append((generation, result))
            }
        }
    }

    // MARK: After a failover

    /// What is to be made of a job of which the database has less than was committed.
    struct Repair: Sendable {
        /// Commits that it lacks.
        var lost: Int
        /// Nil: somebody has written the job since, as it was before. What is lost of it stays lost.
        var plan: JobPlan?
    }

    /// Nil if the database has all of it. `stored`: with all of its results. `isAnother`: it failed over. Without that a row
    /// that is not there was forgotten, and one that says something else was written by hand.
    ///
    /// Revisions rise with each change, whoever makes it. So the greater one is the newer state, and whatever order the
    /// members write theirs in, the newest stands at the end. No call is made for that: an intent that comes back is an
    /// intent.
    func repair(_ id: JobID, _ stored: StoredJob, isAnother: Bool = true) -> Repair? {
        guard let write = writes[id], isAnother || stored.revision > 0 else { return nil }
        let lost = write.commits.filter { $0.revision > stored.revision }
        let isOvertaken =
            isAnother && lost.isEmpty && stored.revision == write.after.revision && !stored.isState(write.after)
        var plan = JobPlan(id, stored)
        if lost.isEmpty {
            plan.after.raiseRevision()
        } else {
            plan.after = write.after
            plan.after.results = stored.results
        }
        for (generation, result) in write.results.sorted(by: { $0.generation < $1.generation })
        where stored.results[generation] == nil && plan.after.hasEnded(generation) {
            plan.after.results[generation] = ResultRecord(result: result, isPublished: false)
            plan.newResults.append(generation)
        }
        guard !lost.isEmpty || isOvertaken || !plan.newResults.isEmpty else { return nil }
        guard !lost.isEmpty || !plan.newResults.isEmpty else { return Repair(lost: 1, plan: nil) }
        for (_, counts) in lost {
            for (day, count) in counts {
                var sum = plan.counts[day] ?? DayCount(calls: 0, albumQueries: 0)
                sum.calls += count.calls
                sum.albumQueries += count.albumQueries
                plan.counts[day] = sum
            }
        }
        plan.countedAt = write.countedAt ?? plan.after.row?.changedAt
        return Repair(lost: max(1, lost.count), plan: plan)
    }
}

extension StoredJob {
    /// Whether this is the state that `other` is, of the same revision. Marks of results do not count.
    fileprivate func isState(_ other: StoredJob) -> Bool {
        cancellation == other.cancellation && row?.fence == other.row?.fence
            && row?.isFinished == other.row?.isFinished && row?.generation == other.row?.generation
            && row?.copy == other.row?.copy
    }

    /// Only what has ended has a result.
    fileprivate func hasEnded(_ generation: Int) -> Bool {
        row.map { $0.generation > generation || $0.generation == generation && $0.isFinished } ?? false
    }
}
