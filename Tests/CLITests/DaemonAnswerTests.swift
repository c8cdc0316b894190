import Concurrency
import Foundation
import JSON
import Jobs
import Operations
import PrivateBroker
import Service
import Terminal
import Testing

@testable import CLI

/// What a command makes of a daemon's answer.
@Suite(.timeLimit(.minutes(30))) struct DaemonAnswerTests {
    private func asking<Request: OperatorRequest>(
        _ request: Request, answered answer: String
    ) async throws -> Result<Request.Answer, ControlError> {
        let directory = try TemporaryDirectory("answer")
        let path = directory.file("control.sock").path
        let value = try JSONValue.parse(Array(answer.utf8))
        let server = try ControlSocketServer(path: path) { asked, _ in
            asked.name == Request.name.rawValue && asked.arguments == request.json
                ? .answer(value) : .refusal(code: "invalid", message: "another request")
        }
        let result: Result<Request.Answer, ControlError>
        do throws(ControlError) {
            result = .success(try await ControlClient(path: path).perform(request))
        } catch {
            result = .failure(error)
        }
        await NativeThread.offload("stop") { server.stop() }
        return result
    }

    @Test func anAnswerOfItsFormIsRead() async throws {
        let answer = try await asking(LedgerPruneRequest(olderThan: .seconds(60)), answered: #"{"pruned":3,"new":1}"#)
        #expect(answer == .success(.init(pruned: 3)), "a newer daemon may say more")
    }

    /// It would have been printed as none.
    @Test func anAnswerWithoutItsNumberIsAnErrorAndNoZero() async throws {
        let answer = try await asking(LedgerPruneRequest(olderThan: .seconds(60)), answered: #"{"removed":3}"#)
        guard case .failure(let error) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(
            error.description.hasSuffix("what it answered to ledger.prune is not understood: pruned is missing"))
        #expect(CommandFailure(error).status == .tryAgainLater)
    }
}
