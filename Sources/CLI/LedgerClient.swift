import AMQP
import Daemon
import JSON
import Ledger
import Messages
import Operations
import Pipeline
import Service
import Settings
import Terminal

/// The ledger as a command reaches it: through the running daemon, else as the file or the database that it is.
struct LedgerClient: Sendable {
    let settings: DaemonSettings

    func perform<Request: LedgerRequest>(_ request: Request) async throws -> Request.Answer {
        do throws(ControlError) {
            return try await ControlClient(path: settings.admin.controlSocket).perform(request)
        } catch {
            guard case .notRunning = error else { throw CommandFailure(error) }
        }
        let source: LedgerSource =
            if let database = try settings.database() { .database(database) } else { .file(path: settings.ledger.path) }
        let handler = LedgerRequestHandler(
            source, publish: publisher(isReplayed: true),
            publishNew: publisher(isReplayed: false))
        // Read as a daemon reads it, so that both refuse the same.
        return try await Request(arguments: request.json).answer(from: handler)
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
    func perform<Request: OperatorRequest>(_ request: Request) async throws(ControlError) -> Request.Answer {
        let answer = try await perform(Request.name.rawValue, request.json)
        do throws(ControlFormatError) {
            return try Request.Answer(json: answer)
        } catch {
            let name = Request.name.rawValue
            throw .broken(path: path, detail: "what it answered to \(name) is not understood: \(error)")
        }
    }
}
