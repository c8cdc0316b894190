import Clocks
import JSON
import Jobs
import Ledger
import Monitoring
import Operations
import Pipeline
import Service
import Settings

/// What an operator tells the running daemon, and asks of it.
extension ControlHandler {
    /// Longer than a member that works takes to hear of it; who asks does not wait for one that does not.
    private static let acknowledgementTime = Duration.seconds(2)

    private var deadline: MonotonicTime { parts.ledger.clock.now() + Self.acknowledgementTime }

    func pause(_ request: PauseRequest, _ peer: ControlPeer) async throws(ControlFault) -> PauseRequest.Answer {
        let deadline = deadline
        if let instance = request.instance {
            guard request.account == nil else { throw Self.oneOfThem }
            return try await pause(instance: instance, by: "uid \(peer.uid)", until: deadline)
        }
        guard let account = request.account else {
            pipeline.pause(by: "uid \(peer.uid)")
            return .init(
                paused: HoldCause.operatorPaused.rawValue, cluster: await pipeline.acknowledgement(until: deadline))
        }
        pipeline.pause(account: account)
        let answer = PauseRequest.Answer(
            paused: account.string, cluster: await pipeline.acknowledgement(until: deadline))
        guard pipeline.isPaused(account: account) else {
            throw .unavailable(
                "as many accounts are paused as can be, \(ClusterState.mostPausedAccounts) or "
                    + "\(ClusterState.longestPausedAccounts) bytes of their ids; resume some, or pause the worker")
        }
        return answer
    }

    func resume(_ request: ResumeRequest) async throws(ControlFault) -> ResumeRequest.Answer {
        // What it takes back may have been said at another member just now.
        let deadline = deadline
        await pipeline.hearOthers(until: deadline)
        if let instance = request.instance {
            guard request.account == nil, request.cause == nil else { throw Self.oneOfThem }
            return try await resume(instance: instance, until: deadline)
        }
        if let account = request.account {
            guard pipeline.resume(account: account) else { throw .unknown("the account is not on hold") }
            return .init(isProbing: false, cluster: await pipeline.acknowledgement(until: deadline))
        }
        let name = request.cause ?? HoldCause.operatorPaused.rawValue
        guard let cause = HoldCause(rawValue: name) else {
            let known = HoldCause.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid("there is no hold \(name); the causes are \(known)")
        }
        switch pipeline.resume(cause) {
        case .lifted:
            return .init(lifted: [name], isProbing: false, cluster: await pipeline.acknowledgement(until: deadline))
        case .probing: return .init(isProbing: true, cluster: await pipeline.acknowledgement(until: deadline))
        case .mustEndByItself: throw .invalid("\(name) ends by itself when its fault does; see `holds`")
        case .none: break
        }
        // Without a word of the operator's own to take back, the others are tested now.
        guard request.cause == nil, pipeline.probe() else {
            let own = parts.ledger.member?.name
            let isPaused = own.map { pipeline.pausedMembers.contains($0) } ?? false
            throw .unknown(
                "the worker is not on hold for \(name)"
                    + (isPaused ? "; it alone is paused: resume instance \(own ?? "")" : ""))
        }
        return .init(isProbing: true, cluster: await pipeline.acknowledgement(until: deadline))
    }

    func probe(_: ProbeRequest) async -> ProbeRequest.Answer {
        let deadline = deadline
        await pipeline.hearOthers(until: deadline)
        guard pipeline.probe() else { return .init(isProbing: false) }
        return .init(isProbing: true, cluster: await pipeline.acknowledgement(until: deadline))
    }

    private static let oneOfThem = ControlFault.invalid("give one of account, instance and cause")

    func holds(_ request: HoldsRequest) async throws(ControlFault) -> HoldsRequest.Answer {
        guard let instance = request.instance else { return ownHolds(otherHolds()) }
        return try await holds(of: instance)
    }

    // MARK: The day

    func quota(_: QuotaRequest) async throws(ControlFault) -> QuotaRequest.Answer {
        let now = parts.ledger.clock.wall()
        let day = QuotaZone.day(of: now)
        guard let count = try? await parts.ledger.count(of: day.name) else {
            throw .unavailable("the ledger cannot answer now")
        }
        let limits = settings.limits
        let backlog = await backlog()
        return .init(
            day: day.name, calls: count.calls, albumQueries: count.albumQueries, limit: limits.requestsPerDay,
            resetsAt: day.end, pace: limits.pace.rawValue, backlog: backlog,
            doneAt: backlog.flatMap {
                Forecast.end(
                    of: $0, spent: count.calls + count.albumQueries, limit: limits.requestsPerDay,
                    isEven: limits.pace == .even, perMinute: tracker.status().perMinuteOfFifteen, day: day, at: now)
            })
    }

    /// Jobs between their publisher and their result, as far as the broker counts them. Nil if it cannot be asked.
    private func backlog() async -> Int? {
        var total = 0
        for queue in settings.topology.queues.map(\.name) where settings.isBacklog(queue) {
            guard case .some(let depth) = await parts.queues.depth(of: queue) else { return nil }
            total += depth?.messages ?? 0
        }
        return total + pipeline.snapshot.inFlight
    }

    func inFlight(_ request: InFlightRequest) -> InFlightRequest.Answer {
        let deliveries = pipeline.deliveriesInFlight
        let jobs = deliveries.prefix(min(request.limit, PreviewRequest.mostJobs)).map {
            InFlightRequest.Job(
                jobID: $0.jobID, account: $0.account, lane: $0.lane, generation: $0.generation, state: $0.state,
                waited: $0.waited)
        }
        return .init(
            jobs: Array(jobs), total: deliveries.count, holds: pipeline.snapshot.holds.map(\.cause.rawValue))
    }

    func queues(_: QueuesRequest) async throws(ControlFault) -> QueuesRequest.Answer {
        var all: [DaemonStatus.Queue] = []
        for queue in settings.topology.queues.map(\.name) {
            guard case .some(let depth) = await parts.queues.depth(of: queue) else {
                throw .unavailable("the broker does not answer")
            }
            all.append(.init(name: queue, messages: depth?.messages, consumers: depth?.consumers))
        }
        return .init(queues: all)
    }
}
