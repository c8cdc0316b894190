import JSON
import Jobs
import Operations
import Pipeline
import Service
import Settings
import Threads

/// What the working daemon answers on its control socket.
struct ControlDesk: Sendable {
    let front: FrontDesk
    let parts: DaemonParts
    let settings: Settings

    var pipeline: Pipeline { parts.pipeline }
    var board: StatusBoard { front.board }
    var clock: any Timekeeper { front.clock }

    func answer(_ request: ControlRequest, _ peer: ControlPeer) async -> ControlResponse {
        guard let name = RequestName(rawValue: request.name) else {
            return .refusal(
                code: "invalid", message: "this daemon (\(Commands.version)) does not know the request \(request.name)")
        }
        do throws(DeskFault) {
            return .answer(try await answer(name, request.arguments, peer))
        } catch {
            return .refusal(code: error.code, message: error.description)
        }
    }

    private func answer(
        _ name: RequestName, _ arguments: JSONValue, _ peer: ControlPeer
    ) async throws(DeskFault) -> JSONValue {
        switch name {
        case .status: try await answer(arguments, status)
        case .pause: try await answer(arguments) { (request) throws(DeskFault) in pause(request, peer) }
        case .resume: try await answer(arguments, resume)
        case .probe: try await answer(arguments, probe)
        case .holds: try await answer(arguments, holds)
        case .quota: try await answer(arguments, quota)
        case .queues: try await answer(arguments, queues)
        case .jobCancel:
            try await answer(arguments) { (request) throws(DeskFault) in try await cancelForGood(request, peer) }
        case .job: try await askLedger(JobRequest.self, arguments)
        case .jobNote: try await askLedger(JobNoteRequest.self, arguments)
        case .reconcile: try await askLedger(ReconcileRequest.self, arguments)
        case .resultsReplay: try await askLedger(ReplayRequest.self, arguments)
        case .ledgerStatistics: try await askLedger(LedgerStatisticsRequest.self, arguments)
        case .ledgerPrune: try await askLedger(LedgerPruneRequest.self, arguments)
        case .ledgerVerify: try await askLedger(LedgerVerifyRequest.self, arguments)
        case .ledgerForget: try await askLedger(LedgerForgetRequest.self, arguments)
        case .ledgerBackup: try await askLedger(LedgerBackupRequest.self, arguments)
        }
    }

    private func answer<Request: OperatorRequest>(
        _ arguments: JSONValue, _ body: (Request) async throws(DeskFault) -> Request.Answer
    ) async throws(DeskFault) -> JSONValue {
        try await body(Request(arguments: arguments)).json
    }

    private func askLedger<Request: LedgerRequest>(
        _: Request.Type, _ arguments: JSONValue
    ) async throws(DeskFault) -> JSONValue {
        let desk = LedgerDesk(
            .live(parts.ledger), clock: clock, publish: { [pipeline] in await pipeline.publishAgain($0) })
        return try await Request(arguments: arguments).answer(from: desk).json
    }

    private func status(_: StatusRequest) async throws(DeskFault) -> JSONValue {
        await front.status(asksLedger: true).json
    }
}
