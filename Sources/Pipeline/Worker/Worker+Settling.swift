import AMQP
import Clocks
import Concurrency
import Jobs
import Ledger
import Messages
import Secrets
import Tracing

/// How every delivery ends: the only place where an outcome is recorded, published, confirmed, marked and acked.
extension Worker {
    /// Recorded → confirmed → acked, whatever was decided. Not cancellable.
    ///
    /// What a kill -9 does at each line:
    func settle(_ disposition: Disposition, _ delivery: consuming Delivery, _ trace: DeliveryTrace?) async {
        // Before the commit nothing of the outcome is known: the redelivery finds the job open as the claim left it,
        // ambiguous if a call went out. What is rejected and what is released is decided anew, and alike.
        guard let outgoing = await makeDurable(disposition) else {
            trace?.returned(at: clock.now())
            return delivery.requeue()
        }
        trace?.note("decided")

        // After it the redelivery finds the job finished and publishes the stored bytes, or finds its copy undecided no
        // more and publishes that. A result that is not confirmed is published by the sweep too, delivery or not.
        // Between two confirms what was confirmed first may go out twice, under the same message-id or copy number.
        guard await publish(outgoing, in: trace) else {
            trace?.returned(at: clock.now())
            return delivery.requeue()
        }

        // After the marks, which are durable with the next commit, the redelivery finds nothing unpublished: it gets
        // the result again as a replay, or is acked because its newer copy waits. Before them it publishes once more.
        if let event = outgoing.event { onEvent(event) }
        if let began = outgoing.settledSince { onEvent(.settled(after: clock.now() - began)) }
        if let report = outgoing.report { publisher.offer(report) }

        switch outgoing.end {
        case .delay(let item, let time):
            trace?.note("waits", [SpanAttribute("leave_album.wait_ms", Int((time - clock.now()).milliseconds))])
            dispatcher.delay(delivery, as: item, until: time)
        case .ack:
            trace?.settled(outgoing.event, at: clock.now())
            // Nothing after it: once the ack is sent the broker forgets the message. Killed before, its redelivery is a
            // replay.
            hook(.ack, .before)
            delivery.ack()
            hook(.ack, .after)
        }
    }

    /// Makes the outcome durable where the ledger has to know it, and says what is to be published then. Nil: the
    /// ledger is closed, and the delivery goes back to the broker.
    private func makeDurable(_ disposition: Disposition) async -> Outgoing? {
        switch disposition {
        case .finish(let run, let ending): await finish(run, ending)
        case .park(let run, let due, let cause): await park(run, until: due, cause: cause)
        case .release(let release): await record(release)
        case .cancel(let item, let id): await cancel(id, item)
        case .publishUnsent, .replay, .republishCopy, .retry, .reject, .acknowledge, .returnToBroker:
            outgoing(unrecorded: disposition)
        }
    }

    /// What the ledger knows already, or has not to know. Apart from the others, because all that an asynchronous
    /// function has in any of its cases it keeps for as long as it runs: each worker would hold all of these.
    @inline(never)
    private func outgoing(unrecorded disposition: Disposition) -> Outgoing? {
        switch disposition {
        case .publishUnsent(let run, let finished): return unsent(finished, run)
        case .replay(let run, let result): return replay(result, run)
        case .republishCopy(let run, let open):
            var run = run
            run.progress = Progress(run.arrival, open)
            return copy(open.copy, of: run, due: open.due ?? clock.wall(), cause: .interruption)
        case .retry(let run, let time):
            return Outgoing(closed: run.closed, report: run.report, end: .delay(run.item, until: time))
        case .reject(let item, let rejection): return reject(item, rejection)
        case .acknowledge: return Outgoing()
        case .returnToBroker: return nil
        case .finish, .park, .release, .cancel: preconditionFailure("the ledger has to know it first")
        }
    }

    private static let interrupted = ParkCause.interruption.message

    // MARK: Results

    /// The end of a job: its result, and its dead letter if it failed.
    private func finish(_ start: JobRun, _ ending: Ending) async -> Outgoing? {
        var run = start
        do throws(RecordRefusal) {
            try await closePredecessor(of: &run)
        } catch {
            return unwritten(error, run.item, closed: nil)
        }
        let now = clock.wall()
        let result = JobResult(ending, of: run.resultSubject, at: now)
        let span = run.item.trace?.makeSpan()
        let stored = StoredResult(result, of: run.jobID, trace: run.trace(in: span), at: now)
        let needsDeadLetter = result.outcome == .failed
        let record = Record.finished(
            run.arrival, stored, attempts: run.progress.attempts, isAmbiguous: run.progress.isAmbiguous,
            needsDeadLetter: needsDeadLetter,
            isAssumed: result.outcome == .alreadyLeft && run.albumCannotTell)
        do throws(RecordRefusal) {
            try await self.record(record, of: run)
        } catch {
            // Whoever ended it before had a body of their own, and a message-id has one.
            return unwritten(error, run.item, closed: run.closed)
        }
        var outgoing = Outgoing(closed: run.closed, result: stored, end: .ack)
        outgoing.resultSpan = span
        outgoing.replyTo = run.item.message.properties.replyTo
        if needsDeadLetter { outgoing.deadLetter = deadLetter(run, result, at: now) }
        outgoing.owner = (run.jobID, run.arrival.generation)
        outgoing.event = .ended(
            ended(run, result, timeToResult: now - run.progress.firstSeen, detail: result.detail))
        outgoing.settledSince = run.item.message.receivedAt
        return outgoing
    }

    /// An older generation that no claim has ended, because this one ends or is parked without a call: it ends before
    /// anything is recorded of this one. A kill in between finds this one fresh, and without a predecessor.
    private func closePredecessor(of run: inout JobRun) async throws(RecordRefusal) {
        guard let predecessor = run.predecessor else { return }
        let closed = ClosedGeneration(predecessor, closedBy: run, at: clock.wall())
        try await record(closed.record, under: nil, isUnheard: false)
        (run.predecessor, run.closed) = (nil, closed)
    }

    /// Nil: the delivery goes back to the broker.
    private func unwritten(
        _ refusal: RecordRefusal, _ item: InFlightMessage, closed: ClosedGeneration?
    ) -> Outgoing? {
        switch refusal {
        case .overtaken: Outgoing(closed: closed, end: .delay(item.forgettingDecisions(), until: clock.now()))
        case .closed: nil
        }
    }

    private func deadLetter(_ run: JobRun, _ result: JobResult, at now: Timestamp) -> DeadLetter? {
        guard let reason = result.reason else { return nil }
        return DeadLetter(
            message: run.item.message, jobID: run.jobID,
            headers: run.jobHeaders(copy: run.item.jobHeaders.copy, notBefore: nil), reason: reason,
            detail: result.detail,
            attempts: result.attempts, httpStatus: result.httpStatus, apiStatus: result.apiStatus, deadAt: now)
    }

    private func ended(
        _ run: JobRun, _ result: JobResult, timeToResult: Duration, detail: String?
    ) -> PipelineEvent.JobEnded {
        PipelineEvent.JobEnded(
            jobID: run.jobID, account: run.job.account, outcome: result.outcome, reason: result.reason,
            attempts: result.attempts, timeToResult: timeToResult, detail: detail, traceID: run.trace.traceID)
    }

    /// What is unmarked of a job that has its result.
    private func unsent(_ finished: FinishedJob, _ start: JobRun) -> Outgoing {
        var run = start
        let result = finished.result
        var outgoing = Outgoing()
        if !finished.resultIsPublished { outgoing.result = result }
        outgoing.replyTo = run.item.message.properties.replyTo
        if !finished.deadLetterIsPublished, let decoded = try? JobResult.decode(result.body) {
            // The delivery may be older than a call that was not answered.
            run.progress.isAmbiguous = run.progress.isAmbiguous || decoded.effect == .unknown
            outgoing.deadLetter = deadLetter(run, decoded, at: result.completedAt)
        }
        outgoing.owner = (run.jobID, run.arrival.generation)
        // An operator ended it, with an event of its own: this is its dead letter alone.
        if outgoing.result != nil || result.reason != .cancelled {
            outgoing.event = .ended(
                .init(
                    jobID: run.jobID, account: run.job.account, outcome: result.outcome, reason: result.reason,
                    attempts: run.progress.attempts, timeToResult: clock.wall() - run.progress.firstSeen,
                    detail: Self.interrupted, traceID: run.trace.traceID))
        }
        outgoing.settledSince = run.item.message.receivedAt
        return outgoing
    }

    /// The same bytes under the same message-id, and never the dead letter.
    private func replay(_ result: StoredResult?, _ run: JobRun) -> Outgoing {
        guard let result else { return Outgoing() }
        return Outgoing(
            result: result, isReplay: true, replyTo: run.item.message.properties.replyTo, event: .replayed(run.jobID))
    }

    /// The message never became a job. Its result is the same each time that it comes.
    private func reject(_ item: InFlightMessage, _ rejection: Rejection) -> Outgoing {
        let now = clock.wall()
        let digest: SHA256Digest
        switch item.message.body {
        case .complete(let body): digest = SHA256Digest(of: body)
        case .truncated(_, _, let whole): digest = whole
        }
        let came = item.traceContext
        let span = item.trace?.makeSpan()
        let trace = span.map { came.continued(by: $0.traceparent) } ?? came
        var outgoing = Outgoing()
        outgoing.resultSpan = span
        outgoing.result = StoredResult(
            messageID: JobResult.messageID(rejecting: digest, for: rejection.reason), outcome: .rejected,
            reason: rejection.reason, body: JobResult(rejecting: rejection).encoded(),
            correlationID: trace.correlationID ?? rejection.jobID?.string, traceparent: trace.traceparent,
            tracestate: trace.tracestate, completedAt: now)
        outgoing.replyTo = item.message.properties.replyTo
        outgoing.deadLetter = DeadLetter(
            message: item.message, jobID: rejection.jobID, headers: item.jobHeaders, reason: rejection.reason,
            detail: rejection.detail, attempts: 0, httpStatus: nil, apiStatus: nil, deadAt: now)
        outgoing.event = .ended(
            .init(
                jobID: rejection.jobID, account: rejection.account, outcome: .rejected, reason: rejection.reason,
                attempts: 0, timeToResult: .zero, detail: rejection.detail, traceID: trace.traceID))
        outgoing.settledSince = item.message.receivedAt
        return outgoing
    }

    /// Remembered before it is acked: whenever the job comes, it ends without a call.
    private func cancel(_ id: JobID, _ item: InFlightMessage) async -> Outgoing {
        do throws(LedgerError) {
            let isInTime = try await ledger.cancel(id, at: clock.wall())
            return Outgoing(event: .cancelled(.init(jobID: id, isInTime: isInTime)))
        } catch {
            onEvent(.ledgerRefused(.init(jobID: id, detail: error.description)))
            return Outgoing(end: .delay(item, until: clock.now() + Self.ledgerRetry))
        }
    }

    // MARK: Copies

    /// The ledger has the copy's number and due time before the copy is published.
    private func park(_ start: JobRun, until due: Timestamp, cause: ParkCause) async -> Outgoing? {
        var run = start
        do throws(RecordRefusal) {
            try await closePredecessor(of: &run)
            let number = try await record(
                .parked(
                    run.arrival, attempts: run.progress.attempts, isAmbiguous: run.progress.isAmbiguous,
                    malformedAnswers: run.progress.malformedAnswers, due: due), of: run)
            if case .fault(let detail) = cause { report(.parked, of: &run, until: due, detail: detail) }
            return copy(number, of: run, due: due, cause: cause)
        } catch {
            return unwritten(error, run.item, closed: run.closed)
        }
    }

    /// The numbered copy of a job, into the delay queue that fits.
    private func copy(_ number: Int, of run: JobRun, due: Timestamp, cause: ParkCause) -> Outgoing {
        let wait = due - clock.wall()
        let delay = schedule.queue(for: wait)
        var jobHeaders = run.jobHeaders(copy: number, notBefore: due)
        (jobHeaders.turn, jobHeaders.moves) = (nil, 0)
        let generation = run.arrival.generation
        return Outgoing(
            closed: run.closed,
            copy: .init(
                message: run.item.message, jobID: run.jobID, jobHeaders: jobHeaders, queue: queue(delay), number: number
            ),
            owner: (run.jobID, generation), report: run.report,
            event: .parked(
                .init(
                    jobID: run.jobID, generation: generation, delay: delay, wait: wait, cause: cause.message,
                    isFault: cause.isFault, traceID: run.trace.traceID)))
    }

    /// The ledger knows first that the copy goes.
    private func record(_ release: Release) async -> Outgoing? {
        guard let (record, lease, isUnheard) = release.record else { return copy(of: release) }
        do throws(RecordRefusal) {
            try await self.record(record, under: lease, isUnheard: isUnheard)
            return copy(of: release)
        } catch {
            return unwritten(error, release.item, closed: release.closed)
        }
    }

    /// The copy that there is, and what of its headers changes.
    @inline(never)
    private func copy(of release: Release) -> Outgoing {
        let item = release.item
        let now = clock.wall()
        var jobHeaders = item.jobHeaders
        jobHeaders.lane = jobHeaders.lane ?? item.lane
        jobHeaders.firstSeen = jobHeaders.firstSeen ?? now
        var target = configuration.names.queue(item.lane.home)
        let event: PipelineEvent
        switch release.reason {
        case .hold: event = .released(count: 1)
        case .quarantine:
            jobHeaders.suspect += 1
            jobHeaders.deliveries = 0
            event = .quarantine(suspect: jobHeaders.suspect)
        case .wait(let cause, let time):
            jobHeaders.moves += 1
            switch cause {
            case .early, .share, .hold: jobHeaders.notBefore = time
            case .leased:
                jobHeaders.notBefore = time
                // Whoever has the lease may have died in the call, and the copy's own count begins at zero.
                if !item.hasClaimed { jobHeaders.deliveries = Int(min(item.deliveries, JobHeaders.counts.upperBound)) }
            // A time that is expected, not one to wait for: who comes early and finds a place takes it.
            case .turn: jobHeaders.turn = time
            case .following: break
            }
            let wait = max(.zero, time - now)
            let delay = schedule.queueAside(for: wait, isExact: cause == .early)
            target = queue(delay)
            event = .steppedAside(
                .init(
                    jobID: item.job?.id, generation: jobHeaders.generation, delay: delay, wait: wait, cause: cause,
                    moves: jobHeaders.moves))
        }
        return Outgoing(
            closed: release.closed,
            copy: .init(message: item.message, jobID: item.job?.id, jobHeaders: jobHeaders, queue: target),
            report: release.report, event: event
        )
    }

    /// Nil: on `due`.
    private func queue(_ delay: Duration?) -> String {
        delay.map { configuration.names.retry($0) } ?? configuration.names.queue(.due)
    }
}
