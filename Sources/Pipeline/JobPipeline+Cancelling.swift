package import Clocks
import Concurrency
package import Jobs
package import Ledger

/// An operator's last word on one job.
extension JobPipeline {
    package enum LastWord: Equatable, Sendable {
        /// It had its result before.
        case hadEnded(StoredResult)
        /// It has its result now: what the call in flight was answered, else `cancelled`. If the broker has not
        /// confirmed it yet, that goes on.
        case ended(StoredResult, isPublished: Bool)
        /// Nothing is known of it, or of the generation that is on its way: it ends without a call when it comes.
        case remembered
        /// Another worker's call for it, or one that went unheard, may be on its way until then. Nothing was written.
        case leased(until: Timestamp)
        /// Another operator ends it at this time.
        case busy
        /// The worker stops. It is remembered, and the next worker ends the job when it comes.
        case stopping
    }

    /// A broker that is there has confirmed it long before; an operator does not wait for one that is not.
    private static let retryInterval = Duration.seconds(10)

    /// Ends a job, whatever is on hold and whatever it has called. A call in flight is awaited, and if its answer ends
    /// the job, that stands. Else it fails as `cancelled`; its result is published now, or when the broker takes it,
    /// and its dead letter when its message comes.
    ///
    /// The word is durable first: after a kill at any line the job ends when it is delivered. Nobody else ends it
    /// between the look and the end here, because its deliveries wait: one generation has one body.
    package func cancelForGood(_ id: JobID, by who: String) async throws(LedgerError) -> LastWord {
        guard operators.begin(id) else { return .busy }
        let newest = dispatcher.newestGeneration(of: id)
        do throws(LedgerError) {
            // A lease may be that of the call in flight, whose answer is awaited below.
            if case .ended(let result) = try await ledger.cancelForGood(id, newest: newest, at: clock.wall()) {
                operators.end(id)
                return .hadEnded(result)
            }
        } catch {
            operators.end(id)
            throw error
        }
        guard await dispatcher.reserve(id) else {
            operators.end(id)
            return .stopping
        }
        do throws(LedgerError) {
            return try await endReserved(id, newest: newest, by: who)
        } catch {
            letGo(id)
            throw error
        }
    }

    /// `newest`: the newest generation that was in flight. If an older one ended here and that one stepped aside, the
    /// word goes on to it.
    private func endReserved(
        _ id: JobID, newest: Int?, by who: String
    ) async throws(LedgerError) -> LastWord {
        while true {
            switch try await ledger.cancelForGood(id, newest: newest, at: clock.wall()) {
            case .remembered:
                onEvent(.cancelled(.init(jobID: id, isInTime: true)))
                letGo(id)
                return .remembered
            case .ended(let result):
                let generation = (try? JobResult.decode(result.body))?.generation ?? 0
                ledger.note(.cancelledForGood(id, generation: generation, by: who, at: clock.wall()))
                letGo(id)
                return .ended(result, isPublished: true)
            case .leased(let until):
                letGo(id)
                return .leased(until: until)
            case .open(let job):
                let result = job.result(at: clock.wall())
                // The sweep ended it as lost, or its copy was confirmed: look again.
                guard try await ledger.finishCancelled(job, result: result) else { continue }
                ledger.note(.cancelledForGood(id, generation: job.open.generation, by: who, at: clock.wall()))
                return .ended(result, isPublished: await announced(result, of: job))
            }
        }
    }

    private func letGo(_ id: JobID) {
        dispatcher.endReservation(of: id)
        operators.end(id)
    }

    /// Whether the broker has confirmed the result. Publishing goes on after the caller's timeout.
    private func announced(_ result: StoredResult, of job: CancelledJob) async -> Bool {
        let (answers, feed) = AsyncStream<Bool>.makeStream()
        Task(executorPreference: executor) {
            feed.yield(await self.publish(result, of: job))
            self.letGo(job.jobID)
        }
        let alarm = Task(executorPreference: executor) { [clock] in
            await clock.sleep(for: Self.retryInterval)
            feed.yield(false)
        }
        defer { alarm.cancel() }
        return await answers.first { _ in true } ?? false
    }

    private func publish(_ result: StoredResult, of job: CancelledJob) async -> Bool {
        guard await publisher.publishResult(result, replayed: false, replyTo: nil) else { return false }
        ledger.mark(.result, of: job.jobID, generation: job.open.generation)
        onEvent(
            .ended(
                .init(
                    jobID: job.jobID, account: job.account, outcome: result.outcome, reason: result.reason,
                    attempts: job.open.attempts, timeToResult: result.completedAt - job.open.firstSeen,
                    detail: CancelledJob.detail(hasCalled: job.hasCalled))))
        return true
    }
}

/// Jobs that operators are ending now, each one's by one of them.
final class OperatorsAtWork: Sendable {
    private let jobs = Lock<Set<JobID>>([])

    /// Registers the job as being ended. False if another operator is ending it.
    func begin(_ id: JobID) -> Bool { jobs.withLock { $0.insert(id).inserted } }

    func end(_ id: JobID) {
        jobs.withLock { _ = $0.remove(id) }
    }
}
