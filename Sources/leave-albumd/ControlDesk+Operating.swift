import JSON
import Jobs
import Ledger
import Operations
import Pipeline
import Service
import Settings
import Telemetry
import Threads

/// What an operator tells the running daemon, and asks of it.
///
/// | request | arguments | answer |
/// |---|---|---|
/// | `pause` | `account`? | `paused` |
/// | `resume` | `cause` or `account`? | `lifted`: causes; `probing`: jobs test it now |
/// | `probe` | | `probing` |
/// | `holds` | | `holds`, `accounts` |
/// | `quota` | | `day`, `calls`, `probes`, `limit`, `remaining`, `resetsAt`, `pace`, `backlog`, `doneAt`? |
/// | `job.cancel` | `jobId` | `ForcedCancel`: the job has ended, or ends when it comes |
/// | `queues` | | `queues`: `name`, `messages`, `consumers` |
extension ControlDesk {
    func operate(_ request: ControlRequest, _ peer: ControlPeer) async throws(DeskFault) -> JSONValue? {
        switch request.name {
        case "pause": return pause(request.arguments, peer)
        case "resume": return try resume(request.arguments)
        case "probe": return .object([.init("probing", .bool(pipeline.probe()))])
        case "holds": return holds()
        case "quota": return try await quota()
        case "queues": return try await depths()
        case "job.cancel": return try await cancelForGood(request.arguments, peer)
        default: return nil
        }
    }

    private func pause(_ arguments: JSONValue, _ peer: ControlPeer) -> JSONValue {
        if let account = arguments["account"]?.utf8 {
            pipeline.pause(account: AccountID(utf8: account))
            return .object([.init("paused", .string(account))])
        }
        pipeline.pause(by: "uid \(peer.uid)")
        return .object([.init("paused", .text(HoldCause.operatorPaused.rawValue))])
    }

    private func resume(_ arguments: JSONValue) throws(DeskFault) -> JSONValue {
        if let account = arguments["account"]?.utf8 {
            guard pipeline.resume(account: AccountID(utf8: account)) else {
                throw .unknown("the account is not on hold")
            }
            return .object([.init("lifted", .array([])), .init("probing", .bool(false))])
        }
        let name = arguments["cause"]?.text ?? HoldCause.operatorPaused.rawValue
        guard let cause = HoldCause(rawValue: name) else {
            let known = HoldCause.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid("there is no hold \(name); the causes are \(known)")
        }
        switch pipeline.resume(cause) {
        case .lifted: return .object([.init("lifted", .array([.text(name)])), .init("probing", .bool(false))])
        case .probing: return .object([.init("lifted", .array([])), .init("probing", .bool(true))])
        case .mustEndByItself: throw .invalid("\(name) ends by itself when its fault does; see `holds`")
        case .none: break
        }
        // Without a word of the operator's own to take back, the others are tested now.
        guard arguments["cause"] == nil, pipeline.probe() else {
            throw .unknown("the worker is not on hold for \(name)")
        }
        return .object([.init("lifted", .array([])), .init("probing", .bool(true))])
    }

    private func holds() -> JSONValue {
        let accounts = pipeline.accountHolds.map { hold in
            JSONValue.object(
                [.init("account", .string(hold.account.utf8)), .init("cause", .text(hold.cause))]
                    + (hold.until.map { [.init("until", .text($0.rfc3339))] } ?? [])
                    + (hold.detail.map { [.init("detail", .text($0))] } ?? []))
        }
        return .object([.init("holds", .array(board.status().holds.map(\.json))), .init("accounts", .array(accounts))])
    }

    // MARK: The day

    private func quota() async throws(DeskFault) -> JSONValue {
        let now = clock.wall()
        let day = QuotaZone.day(of: now)
        guard let count = try? await parts.ledger.count(of: day.name) else {
            throw .unavailable("the ledger cannot answer now")
        }
        let limit = settings.limits.requestsPerDay
        let spent = count.calls + count.probes
        var members: [JSONValue.Member] = [
            .init("day", .text(day.name)), .init("calls", .integer(Int64(count.calls))),
            .init("probes", .integer(Int64(count.probes))), .init("limit", .integer(Int64(limit))),
            .init("resetsAt", .text(day.end.rfc3339)), .init("pace", .text(settings.limits.pace.rawValue)),
        ]
        if limit > 0 { members.append(.init("remaining", .integer(Int64(max(0, limit - spent))))) }
        if let backlog = await backlog() {
            members.append(.init("backlog", .integer(Int64(backlog))))
            if let done = Forecast.end(
                of: backlog, spent: spent, limit: limit, isEven: settings.limits.pace == .even,
                perMinute: board.status().perMinuteOfFifteen, day: day, at: now)
            {
                members.append(.init("doneAt", .text(done.rfc3339)))
            }
        }
        return .object(members)
    }

    /// Jobs between their publisher and their result, as far as the broker counts them. Nil if it cannot be asked.
    private func backlog() async -> Int? {
        var total = 0
        for queue in settings.topology.queues.map(\.name) where settings.isBacklog(queue) {
            guard case .some(let depth) = await parts.queues.depth(of: queue) else { return nil }
            total += depth?.messages ?? 0
        }
        return total + pipeline.snapshot.inHand
    }

    private func depths() async throws(DeskFault) -> JSONValue {
        var all: [JSONValue] = []
        for queue in settings.topology.queues.map(\.name) {
            guard case .some(let depth) = await parts.queues.depth(of: queue) else {
                throw .unavailable("the broker does not answer")
            }
            var members: [JSONValue.Member] = [.init("name", .text(queue))]
            if let depth {
                members.append(.init("messages", .integer(Int64(depth.messages))))
                members.append(.init("consumers", .integer(Int64(depth.consumers))))
            }
            all.append(.object(members))
        }
        return .object([.init("queues", .array(all))])
    }
}
