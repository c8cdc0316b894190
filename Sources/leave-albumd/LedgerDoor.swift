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

    func ask<Request: LedgerRequest>(_ request: Request) async throws -> Request.Answer {
        do throws(ControlError) {
            return try await ControlClient(path: settings.admin.controlSocket).ask(request)
        } catch {
            guard case .notRunning = error else { throw CommandFailure(error) }
        }
        let desk = LedgerDesk(
            .file(path: settings.ledger.path), publish: publisher(isReplayed: true),
            announce: publisher(isReplayed: false))
        // Read as a daemon reads it, so that both refuse the same.
        return try await Request(arguments: request.json).answer(from: desk)
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

extension ControlClient {
    /// Asks the running daemon, and reads its answer whole: a member that it lacks is an error, and no zero.
    func ask<Request: OperatorRequest>(_ request: Request) async throws(ControlError) -> Request.Answer {
        let answer = try await ask(Request.name.rawValue, request.json)
        do throws(ControlFormatError) {
            return try Request.Answer(json: answer)
        } catch {
            let name = Request.name.rawValue
            throw .broken(path: path, detail: "what it answered to \(name) is not understood: \(error)")
        }
    }
}
