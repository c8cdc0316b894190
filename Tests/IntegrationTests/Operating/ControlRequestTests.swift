import Foundation
import JSON
import Jobs
import Ledger
import Operations
import PrivateBroker
import Telemetry
import Testing

extension OperatingOnABroker {
    /// The control socket, as another tool uses it.
    @Suite struct ControlRequests {
        private func exchange(_ harness: DaemonHarness, _ name: String, _ arguments: JSONValue) async throws
            -> JSONValue
        {
            let socket = try LocalSocket(path: harness.directory.file("control.sock").path)
            let request = JSONValue.object([.init("request", .text(name)), .init("arguments", arguments)])
            socket.send(String(decoding: request.encoded(), as: UTF8.self) + "\n")
            try await eventually("\(name) is answered") { socket.receivedSoFar().hasSuffix("\n") }
            return try JSONValue.parse(Array(socket.receivedSoFar().utf8))
        }

        @Test func aRunningDaemonAnswersEveryRequestInItsForm() async throws {
            let harness = try await DaemonHarness()
            func perform<Request: OperatorRequest>(_ request: Request) async throws -> Request.Answer {
                let response = try await exchange(harness, Request.name.rawValue, request.json)
                return try Request.Answer(json: #require(response["answer"], "\(response)"))
            }
            try await harness.start()
            try await harness.waitUntilConsuming()
            let id = JobID("one")
            try await harness.publish(DaemonHarness.body("one", account: "acc1", token: "album-one"))
            _ = try await harness.take("results", atLeast: 1)
            let copy = harness.directory.file("copy.sqlite3").path
            for name in RequestName.allCases {
                switch name {
                case .status: #expect(try await perform(StatusRequest())["state"]?.text == "consuming")
                case .pause: #expect(try await perform(PauseRequest()).paused == "operator_paused")
                case .resume: #expect(try await perform(ResumeRequest()).lifted == ["operator_paused"])
                case .probe: #expect(try await perform(ProbeRequest()) == .init(isProbing: false))
                case .holds: #expect(try await perform(HoldsRequest()) == .init(holds: [], accounts: []))
                case .quota: #expect(try await perform(QuotaRequest()).calls == 1)
                case .queues:
                    #expect(try await perform(QueuesRequest()).queues.map(\.name).contains("\(harness.prefix).jobs"))
                case .inFlight: #expect(try await perform(InFlightRequest(limit: 5)).jobs.count <= 5)
                case .preview:
                    let waiting = WaitingJob(
                        jobID: id, account: AccountID("acc2"), tokenHash: "00", generation: 0, copy: 0)
                    #expect(try await perform(PreviewRequest([waiting])).jobs == [KnownJob(.conflict)])
                case .job: #expect(try await perform(JobRequest(id)).results.map(\.messageID) == ["one#0"])
                case .jobCancel:
                    let ending = JobEnding(outcome: .left, reason: nil, effect: .left)
                    #expect(try await perform(JobCancelRequest(id, by: nil)) == .hadEnded(id, ending))
                case .jobNote:
                    _ = try await perform(JobNoteRequest(id, generation: 0, kind: "noted", detail: "by a tool"))
                    #expect(try await perform(JobRequest(id)).events.map(\.detail).contains("by a tool"))
                case .reconcile:
                    let jobs = try await perform(ReconcileRequest([id, JobID("none")])).jobs
                    #expect(jobs.count == 2 && jobs.last?.state == .unknown)
                case .resultsReplay: #expect(try await perform(ReplayRequest.job(id)).published == 1)
                case .ledgerStatistics: #expect(try await perform(LedgerStatisticsRequest()).statistics.entries == 1)
                case .ledgerPrune:
                    #expect(try await perform(LedgerPruneRequest(olderThan: .seconds(3600))) == .init(pruned: 0))
                case .ledgerVerify: #expect(try await perform(LedgerVerifyRequest()) == .init(faults: []))
                case .ledgerForget:
                    #expect(try await perform(LedgerForgetRequest.job(id)) == .init(forgotten: 1, needed: 0))
                case .ledgerMembers: #expect(try await perform(LedgerMembersRequest()).members == [])
                case .ledgerBackup: #expect(try await perform(LedgerBackupRequest(file: copy)) == .init(file: copy))
                }
            }

            // Alone it is whom its name says, and nobody else.
            let stranger = try await exchange(harness, "pause", PauseRequest(instance: "nobody").json)["refusal"]
            #expect(stranger?["code"]?.text == "unknown", "\(String(describing: stranger))")
            let both = PauseRequest(account: AccountID("acc1"), instance: "nobody")
            #expect(try await exchange(harness, "pause", both.json)["refusal"]?["code"]?.text == "invalid")

            let unknown = try await exchange(harness, "no.such", .object([]))["refusal"]
            #expect(unknown?["code"]?.text == "invalid")
            #expect(unknown?["message"]?.text?.hasSuffix("does not know the request no.such") == true)
            let wrong = try await exchange(harness, "pause", .object([.init("account", .integer(7))]))["refusal"]
            #expect(wrong?["code"]?.text == "invalid", "\(String(describing: wrong))")
            #expect(wrong?["message"]?.text == "account is an integer, not a string")
            #expect(try await perform(HoldsRequest()).holds.isEmpty, "nobody is paused by it")
            await harness.end()
        }
    }
}
