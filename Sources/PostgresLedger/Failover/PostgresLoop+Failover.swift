import Clocks
import Jobs
import Ledger

/// What a member does with a database that has failed over: it compares what it wrote lately, writes again what is gone,
/// and takes nothing new until all others have done so.
///
/// Asynchronous replication loses commits that were acknowledged, and says nothing of it: the system identifier stays the
/// same, the timeline rises. A kill amid this loses what was not written again, as if this member had died with the
/// primary.
extension PostgresLoop {
    /// What is due every few seconds, and over a new connection.
    mutating func showLife() throws(PostgresError) {
        try lookForFailover()
        if case .unusable = condition { return }
        try requireStandby()
        try beat()
        try waitForOthers()
    }

    /// At each heartbeat, and first of all over a new connection: a pooler may have gone to another server behind this
    /// one's back.
    private mutating func lookForFailover() throws(PostgresError) {
        guard let member = membership else { return }
        let found = try look(as: member)
        let isAnother = failover.timeline.map { $0 != found.timeline } ?? false
        guard isAnother || failover.mustCompare else {
            failover.timeline = found.timeline
            return
        }
        if isAnother, let lastBeat = failover.lastBeat, Self.isTooOld(found.seen, lastBeat, of: failover) {
            return disable(
                .unusable(
                    "the database has an older state of the ledger than this daemon has worked on: put the right one "
                        + "back, or start again with --ledger-restored if it is meant"))
        }
        outbox.noteLost(at: parts.clock.now())
        if isAnother { parts.grants?.unsettle() }
        try compare(isAnother: isAnother)
        try compareGrants(isAnother: isAnother)
        try compareShared()
        if isAnother { try compareAccounts() }
        // At the end nothing is claimed, and whoever said that it is gone does not come back.
        if isAnother || failover.lost > 0, !isEnding {
            // Under an epoch that nobody else has: the numbers may have gone back as well.
            try joinAnew(leavingFirst: true)
            failover.wait = ComparisonWait()
            failover.detail = Self.detail(timeline: found.timeline, lost: failover.lost)
            holdClaims("")
        }
        failover.timeline = found.timeline
        failover.mustCompare = false
        failover.lost = 0
    }

    /// Over each connection, and nothing is written before all have shown the same: behind one address some may end at a
    /// primary that was, and others at the one that took its place, or at a copy. Which of two is right is not for a daemon
    /// to say: one alone may be late as well as wrong. Neither gets anything, no word of either is kept, and all connections
    /// are made anew, until they agree.
    ///
    /// This member alone writes when it was last seen, so one server says the same each time: but for a heartbeat whose
    /// answer was lost and that is committed between two looks, which costs new connections once.
    private mutating func look(as member: Membership) throws(PostgresError) -> DatabaseSight {
        var found: DatabaseSight?
        for connection in connections {
            let sight = try ask(FailoverStatements.look(epoch: member.epoch), over: connection)
            guard let first = found, first != sight else {
                found = sight
                continue
            }
            throw PostgresError(
                kind: .unavailable, endpoint: connection.open.endpoint, attempted: "looking for a failover",
                message: "connections end at two servers, on " + Self.timelines(first.timeline, sight.timeline),
                remedy: "lead `ledger.url` to one of them, and it goes on by itself")
        }
        guard let found else { preconditionFailure("whoever looks has a connection") }
        return found
    }

    private static func timelines(_ one: Int, _ other: Int) -> String {
        one == other ? "one timeline (\(one))" : "timelines \(one) and \(other)"
    }

    /// Restored from a backup, not failed over.
    private static func isTooOld(_ seen: Timestamp?, _ lastBeat: Timestamp, of failover: FailoverState) -> Bool {
        guard let seen else { return failover.joined.map { $0 + RememberedLedger.mostLag < lastBeat } ?? false }
        return seen + RememberedLedger.mostLag < lastBeat
    }

    private static func detail(timeline: Int, lost: Int) -> String {
        let what =
            lost == 0
            ? "nothing of this daemon is lost" : "\(lost) commits of this daemon were lost, and are written again"
        return "the ledger's database failed over (timeline \(timeline)): \(what)"
    }

    /// After each heartbeat: whether all have compared by now.
    private mutating func waitForOthers() throws(PostgresError) {
        guard let member = membership, var wait = failover.wait else { return settleGrants() }
        let left = wait.note(try ask(FailoverStatements.others(than: member.epoch)))
        failover.wait = wait
        guard left.isEmpty else {
            nextBeatAt = parts.clock.now() + Self.lookInterval
            return holdClaims("; waiting for " + left.map { "\($0.name)#\($0.epoch)" }.joined(separator: ", "))
        }
        failover.wait = nil
        failover.refusal = nil
        settleGrants()
        // Else it is said when the first batch has been written.
        if case .healthy = condition { parts.onHealth(failover.whyRefused.map { .comparing($0) } ?? .available) }
    }

    private func settleGrants() {
        if let timeline = failover.timeline { parts.grants?.settle(on: timeline) }
    }

    /// Between two looks at the others.
    private static let lookInterval = Duration.milliseconds(500)

    private mutating func holdClaims(_ more: String) {
        let text = failover.detail + more
        guard failover.refusal != text else { return }
        failover.refusal = text
        backlog.refuseWhatIsNotKept(.unavailable(text), besides: jobsUnderWay)
        parts.onHealth(.comparing(text))
    }

    // MARK: Comparing

    /// Writes again what is gone, job by job.
    private mutating func compare(isAnother: Bool) throws(PostgresError) {
        let ids = failover.recent.ids
        for start in stride(from: 0, to: ids.count, by: Self.slice) {
            let slice = Array(ids[start..<min(start + Self.slice, ids.count)])
            let stored = try ask(JobLoading.question(slice, by: asking(as: membership?.epoch)))
            for id in slice {
                guard
                    let repair = failover.recent.repair(id, stored[id] ?? StoredJob(), isAnother: isAnother)
                else { continue }
                if let plan = repair.plan { try write(plan, isAnother: isAnother) }
                noteLost(repair.lost)
            }
        }
    }

    /// What is there by now is not found to be lost once more.
    mutating func noteLost(_ commits: Int) {
        failover.lost += commits
        parts.gauge.count { $0.lostCommits += commits }
    }

    static let slice = 100
    /// Another member may write its part of the job in between.
    static let tries = 9

    private mutating func write(_ plan: JobPlan, isAnother: Bool) throws(PostgresError) {
        var plan = plan
        for _ in 0..<Self.tries {
            var outgoing = Outgoing(most: mostBytes, epoch: membership?.epoch)
            outgoing.add(plan, [])
            outgoing.finish([], PostgresBacklog.Portion(), &outbox, at: parts.clock.now())
            let rows = try send(outgoing.batch)
            do throws(PostgresDecodingError) {
                if try outgoing.read(rows).moved.isEmpty { return }
            } catch {
                throw fault(error)
            }
            let stored =
                try ask(JobLoading.question([plan.jobID], by: asking(as: membership?.epoch)))[plan.jobID] ?? StoredJob()
            guard let next = failover.recent.repair(plan.jobID, stored, isAnother: isAnother)?.plan else { return }
            plan = next
        }
    }

    /// - Parameter connection: nil: whichever has rested for longest.
    mutating func ask<Answer>(
        _ question: LedgerQuestion<Answer>, over connection: WriterConnection? = nil
    ) throws(PostgresError) -> Answer {
        var batch = PostgresBatch()
        question.add(to: &batch)
        let rows = try send(batch, over: connection)
        do throws(PostgresDecodingError) {
            return try question.decode(rows[...])
        } catch {
            throw fault(error)
        }
    }
}
