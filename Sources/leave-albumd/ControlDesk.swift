import AMQP
import Jobs
import Ledger
import Operations
import Pipeline
import Service
import Settings
import Telemetry
import Threads

/// What the running daemon answers on its control socket.
struct ControlDesk: Sendable {
    let board: StatusBoard
    let pipeline: Pipeline
    let ledger: SQLiteLedger
    let consuming: ConsumingLink
    let publishing: PublishingLink
    let ledgerDesk: LedgerDesk
    let queues: any QueueInspecting
    let settings: Settings
    let clock: any Timekeeper
    let logger: Logger

    func answer(_ request: ControlRequest, _ peer: ControlPeer) async -> ControlResponse {
        logger.info(
            "asked over the control socket", LogField("request", request.name), LogField("pid", Int(peer.pid)),
            LogField("uid", Int(peer.uid)))
        if request.name == "status" { return .answer(await status().json) }
        do throws(DeskFault) {
            if let answer = try await operate(request, peer) { return .answer(answer) }
            if let answer = try await ledgerDesk.answer(request.name, request.arguments) { return .answer(answer) }
            return .refusal(
                code: "invalid", message: "this daemon (\(Commands.version)) does not know the request \(request.name)")
        } catch {
            return .refusal(code: error.code, message: error.description)
        }
    }

    private func status() async -> DaemonStatus {
        var status = board.status()
        let load = pipeline.snapshot
        status.inHand = load.inHand
        status.callsInFlight = load.callsInFlight
        status.links = [link("consume", consuming.reading), link("publish", publishing.reading)]
        let day = QuotaZone.day(of: clock.wall())
        if let count = try? await ledger.count(of: day.name) {
            status.quota = .init(
                day: day.name, spent: count.calls + count.probes, limit: settings.limits.requestsPerDay,
                resetsAt: day.end)
        }
        if let statistics = try? await ledger.statistics() {
            status.ledger = .init(
                path: ledger.path, entries: statistics.entries, open: statistics.open,
                ambiguous: statistics.ambiguous, unpublished: statistics.unpublished, overdue: statistics.overdue,
                bytes: statistics.bytes, diskFreeBytes: statistics.diskFreeBytes,
                lastBackupAt: statistics.lastBackupAt)
        }
        return status
    }

    private func link(_ name: String, _ reading: LinkReading) -> DaemonStatus.Link {
        .init(
            name: name, endpoint: reading.endpoint, isConnected: reading.isConnected, isBlocked: reading.isBlocked,
            reconnects: reading.reconnects, unconfirmed: reading.unconfirmed,
            staleSettlements: reading.staleSettlements, abandonedDeliveries: reading.abandonedDeliveries)
    }
}
