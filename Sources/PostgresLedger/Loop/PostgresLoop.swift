import Clocks
import Concurrency
import Jobs
import Ledger

/// The ledger's thread: takes what has come, reads what it is about, decides, writes, answers.
///
/// A batch costs one round trip and one commit however much is in it, and one round trip more if something has to be read
/// first, so under load batches grow by themselves. While one is under way for longer than most, the thread takes what
/// comes and answers who asks whether it lives.
struct PostgresLoop: ~Copyable {
    enum Condition {
        case healthy
        /// Tried again at `retryAt`, and not before.
        case degraded(LedgerError, state: String?, retryAt: MonotonicTime)
        /// It is another database than it was. No wait mends that.
        case unusable(LedgerError)
    }

    let mailbox: MailboxOwner<PostgresOperation>
    let parts: PostgresLoopParts
    /// Empty where there is none that can be used.
    var connections: [WriterConnection] = []
    /// Though they may still be open.
    var mustReconnect = false
    /// Of a batch, at the newest connections.
    var mostBytes = 0
    var rotation: HostRotation
    var membership: Membership?
    let memberEpoch: Lock<Int?>
    var condition = Condition.healthy
    var backlog = PostgresBacklog()
    private(set) var isDraining = false
    /// Nothing more comes, and what is there is to be written.
    private(set) var isEnding = false
    var nextBeatAt: MonotonicTime
    /// Until then the database's clock, which has jumped, ends no lease.
    var frozenUntil: MonotonicTime?
    var failover: FailoverState
    /// Of what a batch is being made.
    var inPreparation = PostgresBacklog.Portion()
    var outbox: Outbox
    /// Faults in a row, after which even the first of them counts as an outage.
    private(set) var failures = 0
    private var lastFailedAt: MonotonicTime?
    /// Undone with nothing else in their batches, and no batch was committed since. One of them says something of a row;
    /// many of them of the database.
    private var undoneAlone: Set<JobID> = []
    /// So many portions are taken one by one, to find the one that is at fault.
    private var isolated = 0
    private(set) var closing: (deadline: MonotonicTime, answer: @Sendable (Int) -> Void)?

    /// Requests in one batch: their rows are locked together.
    private static let mostRequests = 128
    /// A batch that was undone so often is taken apart.
    private static let mostRetries = 3
    /// What is begun has a chance, also at the very end.
    static let leastTime = Duration.milliseconds(100)

    init(
        mailbox: MailboxOwner<PostgresOperation>, parts: PostgresLoopParts, membership: Membership?,
        memberEpoch: Lock<Int?>
    ) {
        self.mailbox = mailbox
        self.parts = parts
        self.membership = membership
        self.memberEpoch = memberEpoch
        rotation = HostRotation(parts.configuration.url.hosts)
        nextBeatAt = parts.clock.now()
        failover = FailoverState(timeline: parts.lastTimeline)
        outbox = Outbox(owner: membership?.epoch, isUsed: parts.identity.usesOutboxes)
    }

    /// Runs until `close`. Returns the answer to that, to be given as the last thing.
    mutating func run() -> @Sendable () -> Void {
        while closing == nil {
            take(mailbox.takeAll())
            guard closing == nil else { break }
            switch condition {
            case .healthy: workOrSleep()
            case .degraded(_, _, let retryAt):
                if isUnderWay {
                    awaitLanding()
                } else if retryAt <= parts.clock.now() {
                    attempt()
                } else {
                    sleep(until: retryAt)
                }
            case .unusable: if isUnderWay { awaitLanding() } else { sleep(until: nil) }
            }
        }
        return finish()
    }

    private mutating func workOrSleep() {
        let now = parts.clock.now()
        let mustBeat = membership != nil && nextBeatAt <= now
        if isUnderWay {
            if !mustBeat, mayDepart { attempt() } else { awaitLanding() }
        } else if mustBeat {
            attempt()
        } else if let dueAt, dueAt <= now {
            attempt()
        } else {
            sleep(until: MonotonicTime.earliest(dueAt, membership == nil ? nil : nextBeatAt))
        }
    }

    /// Of the next batch.
    private var dueAt: MonotonicTime? { MonotonicTime.earliest(backlog.dueAt, outbox.dueAt) }

    private func sleep(until time: MonotonicTime?) {
        mailbox.wait(atMost: time.map { $0 - parts.clock.now() })
    }

    // MARK: What comes

    mutating func take(_ operations: [PostgresOperation]) {
        for operation in operations {
            switch condition {
            case .healthy: accept(operation)
            case .degraded(let error, _, _): postpone(operation, error)
            case .unusable(let error): refuse(operation, error)
            }
        }
    }

    private mutating func accept(_ operation: PostgresOperation) {
        let now = parts.clock.now()
        switch operation {
        case .job(.mark(.result, let id, let generation), let reply) where outbox.publish(id, generation, at: now):
            // A kill before the watermark is written costs one more publish.
            reply(.done, .distantFuture)
        case .job(let request, let reply):
            if let why = failover.whyRefused, !request.isKeptWhileDegraded {
                return reply(.failed(.unavailable(why)), .distantFuture)
            }
            var fence: Int64 = 0
            if case .claim = request, membership != nil {
                guard let next = membership?.nextFence() else {
                    nextBeatAt = now
                    return reply(.failed(Membership.isExhausted), .distantFuture)
                }
                fence = next
            }
            backlog.add(request, fence: fence, at: now, reply)
        case .query(let query): add(query(asking(as: membership?.epoch)), at: now)
        case .line(let line): backlog.add(line: line(asking(as: membership?.firstEpoch)), at: now)
        case .drain:
            isDraining = true
            // Each heartbeat says so.
            nextBeatAt = now
        case .close(let deadline, let answer):
            if closing == nil { closing = (deadline, answer) } else { answer(0) }
        }
    }

    func asking(as epoch: Int?) -> AskingMember { AskingMember(epoch: epoch, unpublished: outbox.unpublished) }

    private mutating func postpone(_ operation: PostgresOperation, _ error: LedgerError) {
        switch operation {
        case .job(let request, let reply):
            if request.isKeptWhileDegraded { accept(operation) } else { reply(.failed(error), .distantFuture) }
        case .query: refuse(operation, error)
        case .line, .drain, .close: accept(operation)
        }
    }

    private mutating func refuse(_ operation: PostgresOperation, _ error: LedgerError) {
        switch operation {
        case .job(_, let reply): reply(.failed(error), .distantFuture)
        case .query(let query): query(asking(as: nil)).refuse(error)
        case .line, .drain: break
        case .close: accept(operation)
        }
    }

    // MARK: Attempts

    /// Connects if need be, shows that it lives if it is time, and does what waits.
    private mutating func attempt() {
        if connections.isEmpty || isLost {
            do throws(PostgresError) {
                try connect()
            } catch {
                return degrade(error, parts.clock.now())
            }
            if case .unusable = condition { return }
        }
        do throws(PostgresError) {
            if membership != nil, nextBeatAt <= parts.clock.now(), !isUnderWay { try showLife() }
            if case .unusable = condition { return }
        } catch {
            return fail(error, nil)
        }
        let now = parts.clock.now()
        // At the end nothing waits for something to go along with, and who leaves says what is published.
        guard let dueAt = isEnding ? backlog.dueAt : dueAt, dueAt <= now || isEnding else {
            do throws(PostgresError) {
                if isEnding { try leave() }
                return succeed()
            } catch {
                return fail(error, nil)
            }
        }
        let portion =
            isIsolating
            ? backlog.takeSingle(at: now) : backlog.take(most: Self.mostRequests, besides: claimedKeys, at: now)
        do throws(PostgresError) {
            try perform(portion)
        } catch {
            fail(error, portion)
        }
    }

    /// What is at fault is looked for: a batch is one portion, and nothing is beside it.
    var isIsolating: Bool { isolated > 0 }

    var nextWait = Duration.zero

    // MARK: What came of an attempt

    /// A batch has landed, and whoever asked has been answered.
    mutating func noteLanded(_ batch: DepartedBatch) {
        // It says nothing of one that departed beside it, or before it, and was undone.
        if let lastFailedAt, batch.departed <= lastFailedAt { return }
        isolated = max(0, isolated - 1)
        // What is lost beside it is counted by itself.
        if !isLost { succeed() }
    }

    private mutating func succeed() {
        failures = 0
        undoneAlone = []
        rotation.succeed()
        switch condition {
        case .healthy, .unusable: return
        case .degraded: break
        }
        condition = .healthy
        parts.onHealth(failover.whyRefused.map { .comparing($0) } ?? .available)
    }

    /// - Parameter portion: what was in the batch; nil for a heartbeat.
    mutating func fail(_ error: PostgresError, _ portion: PostgresBacklog.Portion?) {
        let now = parts.clock.now()
        if error.kind == .retryable, let portion, let job = portion.onlyJob { return setAside(portion, job, error) }
        let isLoss = isLost || error.kind == .unavailable || error.kind == .refusedConfiguration
        // What ends with one server is one fault.
        if !(isLoss && mustReconnect) { failures += 1 }
        mustReconnect = mustReconnect || isLoss
        lastFailedAt = now
        for connection in connections where !connection.open.isUsable { connection.open.cut() }
        // Itself, and not what has come before it meanwhile.
        if error.kind == .fault, let portion, portion.isSingle {
            return backlog.refuse(portion, .unavailable(error.description))
        }
        if let portion { backlog.putBack(portion, at: now) }
        switch error.kind {
        case .retryable:
            parts.gauge.count { $0.retries[error.state ?? "", default: 0] += 1 }
            // After waiting for a lock it would wait again.
            if failures > Self.mostRetries || error.isLockTimeout { isolated = Self.mostRequests }
            if failures > 3 * Self.mostRetries { degrade(error, now) }
        case .fault:
            if portion == nil { degrade(error, now) } else { isolated = Self.mostRequests }
        case .outcomeUnknown:
            parts.gauge.count { $0.unknownCommits += 1 }
            if failures > Self.mostRetries { degrade(error, now) }
        case .unavailable, .refusedConfiguration:
            // A connection that ended, as at a failover, is first made anew.
            if failures > 1 { degrade(error, now) }
        }
    }

    /// Whatever has the row of a job that is undone alone does not speak for the database.
    private mutating func setAside(_ portion: PostgresBacklog.Portion, _ job: JobID, _ error: PostgresError) {
        let now = parts.clock.now()
        lastFailedAt = now
        parts.gauge.count { $0.retries[error.state ?? "", default: 0] += 1 }
        for connection in connections where !connection.open.isUsable { connection.open.cut() }
        backlog.putBack(portion, at: now)
        backlog.setAside(job, at: now)
        undoneAlone.insert(job)
        if isEnding { backlog.hastenSetAside(to: now + SetAsideJobs.lastPause, at: now) }
        if undoneAlone.count > 3 * Self.mostRetries { degrade(error, now) }
    }

    private mutating func degrade(_ error: PostgresError, _ now: MonotonicTime) {
        if case .unusable = condition { return }
        let refusal = LedgerError.unavailable(error.description)
        let wait = nextWait == .zero ? rotation.fail(at: now) : nextWait
        nextWait = .zero
        // The same error again is not reported again.
        let isNews = if case .degraded(_, error.state, _) = condition { false } else { true }
        condition = .degraded(refusal, state: error.state, retryAt: now + wait)
        backlog.refuseWhatIsNotKept(refusal, besides: jobsUnderWay)
        // The next try is one of them: with nothing to try the database would be taken for one that works.
        backlog.hastenSetAside(to: now + wait, at: now)
        if isNews { parts.onHealth(.unavailable(refusal)) }
    }

    mutating func disable(_ error: LedgerError) {
        condition = .unusable(error)
        _ = backlog.refuseAll(error)
        parts.onHealth(.unavailable(error))
    }

    // MARK: The end

    private mutating func finish() -> @Sendable () -> Void {
        take(mailbox.close())
        isEnding = true
        let began = parts.clock.now()
        backlog.hastenSetAside(to: began + SetAsideJobs.lastPause, at: began)
        let deadline = closing?.deadline ?? parts.clock.now()
        while !isAllWritten {
            let now = parts.clock.now()
            if isUnderWay {
                awaitLanding()
            } else if case .degraded(_, _, let retryAt) = condition, retryAt > now {
                guard now < deadline else { break }
                mailbox.wait(atMost: min(retryAt, deadline) - now)
            } else if backlog.hasSetAside, let dueAt = backlog.dueAt, dueAt > now {
                guard now < deadline else { break }
                mailbox.wait(atMost: min(dueAt, deadline) - now)
            } else {
                guard now < deadline || failures == 0 && undoneAlone.isEmpty else { break }
                attempt()
            }
        }
        let lost = backlog.refuseAll(.closed)
        connections = []
        let answer = closing?.answer
        return { answer?(lost) }
    }

    /// Whether all is written, or never will be, and the others know that this member has left. What nobody waits for does
    /// not keep a thread that cannot write.
    private var isAllWritten: Bool {
        guard !isUnderWay else { return false }
        return switch condition {
        case .healthy: backlog.isEmpty && membership == nil
        case .degraded: !backlog.hasRequests
        case .unusable: true
        }
    }
}
