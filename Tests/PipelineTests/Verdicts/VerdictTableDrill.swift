import Clocks
import HTTP
import PipelineHarness
import RunningSimulator
import Secrets
import Testing

@testable import Jobs
@testable import Photos
@testable import Pipeline

/// Every row of the table of verdicts: the simulator answers over real HTTP, and the pipeline does what it does.
///
/// `swift test --filter VerdictTableDrill` prints the table.
@Suite(.timeLimit(.minutes(30))) struct VerdictTableDrill {
    /// What becomes of the job.
    enum End: Equatable, Sendable {
        case ended(String)
        /// The worker stands still; when the fault is mended, the job is done and has paid nothing.
        case hold(HoldCause)
        /// Its account waits; then the job is done and has paid nothing.
        case accountHold(String)

        var isEnd: Bool {
            guard case .ended = self else { return false }
            return true
        }

        var message: String {
            switch self {
            case .ended(let word): word
            case .hold(let cause): "hold \(cause.rawValue)"
            case .accountHold(let cause): "account waits: \(cause)"
            }
        }
    }

    struct Case: Sendable {
        var row: Int
        var answer: String
        /// Of the simulator: one action, how often (nil: always), and of which method.
        var action: String?
        var count: Int?
        var method = "leave"
        /// For the album query as well.
        var album: String?
        var fields = "{}"
        var end: End
        var calls: Int
        var queries = 0
        var attempts = 0
        var assumesLeft = false
        var isOwner = false
        var more = ""
        var account = "ann"
        /// What no simulator can send.
        var scripted: Answer?

        private static let context = VerdictContext(
            isAmbiguous: false, now: Timestamp(milliseconds: 0), shareToken: Secret(copying: []),
            bearer: Secret(copying: []))

        /// The ledger has never seen a success: where two accounts would be enough, one refusal is.
        var isFirst: Bool {
            VerdictTable.rows.contains { row in
                guard row.number == self.row, case .hold(let held) = end,
                    case .deadUnlessSystemic(_, held, accounts: 2) = row.action(Self.context)
                else { return false }
                return true
            }
        }
    }

    private func write(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    @Test func everyRow() async throws {
        let simulator = try await RunningSimulator(["--auto-members"])
        let api = HTTPPhotos(engine: simulator.engine, baseURL: "http://127.0.0.1:\(simulator.port)")
        var lines = [
            write("ROW", 5) + write("ANSWER", 42) + write("VERDICT", 34) + write("CALLS", 6) + write("QUERIES", 8)
                + "ATTEMPTS"
        ]
        for (number, example) in Self.cases.enumerated() {
            lines.append(try await run(example, "album-t\(number)", simulator, api))
        }
        await simulator.end()
        print(lines.joined(separator: "\n"))
        // Rows 33 to 35 are the worker's own. Row 34 is a token service's: the static provider of this test has none.
        #expect(Set(Self.cases.map(\.row)).union([34]) == Set(VerdictTable.rows.map(\.number)).union([33, 34, 35]))
    }

    private func run(
        _ example: Case, _ token: String, _ simulator: RunningSimulator, _ api: HTTPPhotos
    ) async throws -> String {
        var options = Harness.Options()
        options.assumeLeft = example.assumesLeft
        options.strangers = ["stranger"]
        options.isReal = true
        @Sendable func share(_ call: ScriptedPhotos.Call) -> (ShareToken, Secret) {
            let account = call.bearer.split(separator: "-")[1]
            return (ShareToken(Secret(copying: Array(call.token.utf8))), Secret(copying: Array("sim:\(account)".utf8)))
        }
        let harness = try await Harness(options) { call in
            let (token, bearer) = share(call)
            return await api.album(token, bearer: bearer, trace: TraceContext(), beginsBefore: .distantFuture)
        } _: { call in
            if let scripted = example.scripted, call.token == token, call.earlier == 0 { return scripted }
            let (token, bearer) = share(call)
            return await api.leave(token, bearer: bearer, trace: TraceContext(), beginsBefore: .distantFuture)
        }
        if example.isOwner {
            try await simulator.control("albums", #"{"token":"\#(token)","owner":"ann","members":["ann"]}"#)
        }
        harness.begin()
        // A neighbour that succeeds, where the fault is not the world's.
        var ended = 0
        if !example.isFirst {
            harness.submit("neighbour", account: "bob", token: "\(token)-neighbour")
            await harness.advance { harness.resultCount == 1 }
            ended = 1
        }
        func arrange(_ action: String, _ method: String, _ count: Int?) async throws {
            let times = count.map { #","count":\#($0)"# } ?? ""
            try await simulator.control(
                "faults",
                #"{"token":"\#(token)","method":"\#(method)","fields":\#(example.fields),"actions":[\#(action)]\#(times)}"#
            )
        }
        if let action = example.action { try await arrange(action, example.method, example.count) }
        if example.end == .ended("attempts_exhausted"), example.row == 35 {
            try await arrange(Self.wording("unavailable"), "get", nil)
        }
        if let album = example.album { try await arrange(album, "get", nil) }
        harness.submit("job", account: example.account, token: token, more: example.more)
        let began = harness.clock.now()
        var reached: End?
        await harness.advance {
            if let hold = harness.pipeline.snapshot.holds.first {
                reached = .hold(hold.cause)
            } else if let wait = harness.pipeline.accountHolds.first, !example.end.isEnd {
                reached = .accountHold(wait.cause)
            } else if harness.resultCount > ended {
                reached = harness.results.last.map { .ended($0.reason ?? $0.outcome) }
            }
            return reached != nil
        }
        switch reached {
        case .hold, .accountHold:
            // The fault is mended, and nothing was lost by it.
            try await simulator.control("faults/clear", "")
            await harness.advance { harness.resultCount > ended }
            #expect(harness.results.last?.outcome == "left", "\(example.answer)")
        case .ended, nil: break
        }
        try await simulator.control("faults/clear", "")
        let calls = harness.photos.calls.filter { $0.token == token }.count
        let queries = harness.photos.albumQueries.filter { $0.token == token }.count
        let attempts = harness.results.last?.attempts ?? -1
        #expect(reached == example.end, "row \(example.row), \(example.answer)")
        // Those of a day depend on jittered waits, a little; a few are exact.
        #expect(
            calls == example.calls && abs(queries - example.queries) <= example.queries / 50,
            "row \(example.row), \(example.answer): \(calls), \(queries)")
        #expect(attempts == example.attempts, "row \(example.row), \(example.answer)")
        if example.fields.contains("Retry-After") {
            #expect((harness.clock.now() - began) >= .seconds(7200), "row \(example.row), \(example.answer)")
        }
        await harness.end()
        return write("\(example.row)", 5) + write(example.answer, 42) + write(reached?.message ?? "nothing", 34)
            + write("\(calls)", 6) + write("\(queries)", 8) + "\(attempts)"
    }
}
