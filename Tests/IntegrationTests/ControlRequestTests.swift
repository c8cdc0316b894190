import Foundation
import JSON
import Jobs
import Ledger
import Operations
import PrivateBroker
import Telemetry
import Testing

extension OnABroker {
    /// The control socket, as another tool uses it.
    @Suite struct ControlRequests {
        private func exchange(_ stage: Stage, _ name: String, _ arguments: JSONValue) async throws -> JSONValue {
            let socket = try LocalSocket(path: stage.directory.file("control.sock").path)
            let request = JSONValue.object([.init("request", .text(name)), .init("arguments", arguments)])
            socket.send(String(decoding: request.encoded(), as: UTF8.self) + "\n")
            var line = ""
            try await eventually("\(name) is answered") {
                line += socket.received() ?? ""
                return line.hasSuffix("\n")
            }
            return try JSONValue.parse(Array(line.utf8))
        }

        @Test func aRunningDaemonAnswersEveryRequestInItsForm() async throws {
            let stage = try await Stage()
            func ask<Request: OperatorRequest>(_ request: Request) async throws -> Request.Answer {
                let response = try await exchange(stage, Request.name.rawValue, request.json)
                return try Request.Answer(json: #require(response["answer"], "\(response)"))
            }
            try await stage.start()
            try await stage.waitUntilConsuming()
            let id = JobID("one")
            try await stage.publish(Stage.body("one", account: "acc1", token: "album-one"))
            _ = try await stage.take("results", atLeast: 1)
            let copy = stage.directory.file("copy.sqlite3").path
            for name in RequestName.allCases {
                switch name {
                case .status: #expect(try await ask(StatusRequest())["state"]?.text == "consuming")
                case .pause: #expect(try await ask(PauseRequest()).paused == "operator_paused")
                case .resume: #expect(try await ask(ResumeRequest()).lifted == ["operator_paused"])
                case .probe: #expect(try await ask(ProbeRequest()) == .init(isProbing: false))
                case .holds: #expect(try await ask(HoldsRequest()) == .init(holds: [], accounts: []))
                case .quota: #expect(try await ask(QuotaRequest()).calls == 1)
                case .queues:
                    #expect(try await ask(QueuesRequest()).queues.map(\.name).contains("\(stage.prefix).jobs"))
                case .job: #expect(try await ask(JobRequest(id)).results.map(\.messageID) == ["one#0"])
                case .jobCancel:
                    let ending = JobEnding(outcome: .left, reason: nil, effect: .left)
                    #expect(try await ask(JobCancelRequest(id, by: nil)) == .hadEnded(id, ending))
                case .jobNote:
                    _ = try await ask(JobNoteRequest(id, generation: 0, kind: "noted", detail: "by a tool"))
                    #expect(try await ask(JobRequest(id)).events.map(\.detail).contains("by a tool"))
                case .reconcile:
                    let jobs = try await ask(ReconcileRequest([id, JobID("none")])).jobs
                    #expect(jobs.count == 2 && jobs.last?.state == .unknown)
                case .resultsReplay: #expect(try await ask(ReplayRequest.job(id)).published == 1)
                case .ledgerStatistics: #expect(try await ask(LedgerStatisticsRequest()).statistics.entries == 1)
                case .ledgerPrune:
                    #expect(try await ask(LedgerPruneRequest(olderThan: .seconds(3600))) == .init(pruned: 0))
                case .ledgerVerify: #expect(try await ask(LedgerVerifyRequest()) == .init(faults: []))
                case .ledgerForget:
                    #expect(try await ask(LedgerForgetRequest.job(id)) == .init(forgotten: 1, needed: 0))
                case .ledgerBackup: #expect(try await ask(LedgerBackupRequest(file: copy)) == .init(file: copy))
                }
            }

            let unknown = try await exchange(stage, "no.such", .object([]))["refusal"]
            #expect(unknown?["code"]?.text == "invalid")
            #expect(unknown?["message"]?.text?.hasSuffix("does not know the request no.such") == true)
            let wrong = try await exchange(stage, "pause", .object([.init("account", .integer(7))]))["refusal"]
            #expect(wrong?["code"]?.text == "invalid", "\(String(describing: wrong))")
            #expect(wrong?["message"]?.text == "account is an integer, not a string")
            #expect(try await ask(HoldsRequest()).holds.isEmpty, "nobody is paused by it")
            await stage.end()
        }
    }
}
