import AMQP
import JSON
import Ledger
import Messages
import Operations
import Pipeline
import Service
import Settings
import Terminal

/// The ledger as a command reaches it: through the running daemon, else as a file.
struct LedgerDoor: Sendable {
    let settings: Settings

    func ask(_ request: String, _ arguments: JSONValue = .object([])) async throws -> JSONValue {
        do throws(ControlError) {
            return try await ControlClient(path: settings.admin.controlSocket).ask(request, arguments)
        } catch {
            guard case .notRunning = error else { throw CommandFailure(error) }
        }
        let desk = LedgerDesk(
            .file(path: settings.ledger.path), publish: publisher(isReplayed: true),
            announce: publisher(isReplayed: false))
        guard let answer = try await desk.answer(request, arguments) else {
            throw CommandFailure(.internalFault, "no request \(request)")
        }
        return answer
    }

    /// Connects at the first result, with the worker's own rights, because results are the worker's to publish.
    private func publisher(isReplayed: Bool) -> @Sendable (StoredResult) async -> Bool {
        let outbox = LazyOutbox(settings)
        let names = settings.queueNames
        return { result in
            guard let link = outbox.link() else { return false }
            let publication = ResultMessage(result, isReplayed: isReplayed).publication(under: names)
            return await link.publish(publication) == .confirmed
        }
    }
}
