import Clocks
import JSON
import Jobs
import Monitoring
import Operations
import Pipeline
import Service
import Settings
import Terminal

/// What the working daemon answers on its control socket.
struct ControlHandler: Sendable {
    let front: DaemonInterface
    let parts: DaemonParts
    let settings: DaemonSettings

    var pipeline: JobPipeline { parts.pipeline }
    var tracker: StatusTracker { front.tracker }

    func answer(_ request: ControlRequest, _ peer: ControlPeer) async -> ControlResponse {
        guard let name = RequestName(rawValue: request.name) else {
            return .refusal(
                code: "invalid",
                message: "this daemon (\(ProgramVersion.text)) does not know the request \(request.name)")
        }
        do throws(ControlFault) {
            return .answer(try await answer(name, request.arguments, peer))
        } catch {
            return .refusal(code: error.code, message: error.description)
        }
    }

    private func answer(
        _ name: RequestName, _ arguments: JSONValue, _ peer: ControlPeer
    ) async throws(ControlFault) -> JSONValue {
        switch name {
        case .status: try await answer(arguments, status)
        case .pause:
            try await answer(arguments) { (request) throws(ControlFault) in try await pause(request, peer) }
        case .resume: try await answer(arguments, resume)
        case .probe: try await answer(arguments, probe)
        case .holds: try await answer(arguments, holds)
        case .quota: try await answer(arguments, quota)
        case .queues: try await answer(arguments, queues)
        case .inFlight: try await answer(arguments, inFlight)
        case .preview: try await answer(arguments, preview)
        case .jobCancel:
            try await answer(arguments) { (request) throws(ControlFault) in try await cancelForGood(request, peer) }
        case .job: try await askLedger(JobRequest.self, arguments)
        case .jobNote: try await askLedger(JobNoteRequest.self, arguments)
        case .reconcile: try await askLedger(ReconcileRequest.self, arguments)
        case .resultsReplay: try await askLedger(ReplayRequest.self, arguments)
        case .ledgerStatistics: try await askLedger(LedgerStatisticsRequest.self, arguments)
        case .ledgerPrune: try await askLedger(LedgerPruneRequest.self, arguments)
        case .ledgerVerify: try await askLedger(LedgerVerifyRequest.self, arguments)
        case .ledgerForget: try await askLedger(LedgerForgetRequest.self, arguments)
        case .ledgerMembers: try await askLedger(LedgerMembersRequest.self, arguments)
        case .ledgerBackup: try await askLedger(LedgerBackupRequest.self, arguments)
        }
    }

    private func answer<Request: OperatorRequest>(
        _ arguments: JSONValue, _ body: (Request) async throws(ControlFault) -> Request.Answer
    ) async throws(ControlFault) -> JSONValue {
        try await body(Request(arguments: arguments)).json
    }

    private func askLedger<Request: LedgerRequest>(
        _: Request.Type, _ arguments: JSONValue
    ) async throws(ControlFault) -> JSONValue {
        try await Request(arguments: arguments).answer(from: ledgerHandler).json
    }

    private var ledgerHandler: LedgerRequestHandler {
        LedgerRequestHandler(.live(parts.ledger), publish: { [pipeline] in await pipeline.publishAgain($0) })
    }

    /// Its holds the daemon knows sooner than its ledger has them.
    private func preview(_ request: PreviewRequest) async throws(ControlFault) -> PreviewRequest.Answer {
        let answer = try await request.answer(from: ledgerHandler)
        return .init(jobs: answer.jobs, holds: pipeline.snapshot.holds.map(\.cause.rawValue))
    }

    private func status(_: StatusRequest) async throws(ControlFault) -> JSONValue {
        await front.status(asksLedger: true).json
    }
}
