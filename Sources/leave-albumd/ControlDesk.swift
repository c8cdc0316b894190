import Jobs
import Operations
import Pipeline
import Service
import Settings
import Threads

/// What the working daemon answers on its control socket, beside its status.
struct ControlDesk: Sendable {
    let board: StatusBoard
    let parts: DaemonParts
    let settings: Settings
    let clock: any Timekeeper

    var pipeline: Pipeline { parts.pipeline }

    func answer(_ request: ControlRequest, _ peer: ControlPeer) async -> ControlResponse {
        do throws(DeskFault) {
            if let answer = try await operate(request, peer) { return .answer(answer) }
            if let answer = try await ledgerDesk.answer(request.name, request.arguments) { return .answer(answer) }
            return .refusal(
                code: "invalid", message: "this daemon (\(Commands.version)) does not know the request \(request.name)")
        } catch {
            return .refusal(code: error.code, message: error.description)
        }
    }

    private var ledgerDesk: LedgerDesk {
        LedgerDesk(.live(parts.ledger), clock: clock, publish: { await parts.pipeline.publishAgain($0) })
    }
}
