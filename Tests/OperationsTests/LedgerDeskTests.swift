import Glibc
import JSON
import Jobs
import Ledger
import Secrets
import Testing
import Threads

@testable import Operations

/// Each question, asked of a running ledger and of the file that it leaves: both say the same.
@Suite(.timeLimit(.minutes(1))) struct LedgerDeskTests {
    private static let start = Timestamp(milliseconds: 1_700_000_000_000)

    private static func result(_ id: String, at time: Timestamp) -> StoredResult {
        StoredResult(
            messageID: "\(id)#0", outcome: .left, reason: nil, body: Array(#"{"jobId":"\#(id)"}"#.utf8),
            correlationID: id, traceparent: nil, tracestate: nil, completedAt: time)
    }

    private static func arrival(_ id: String) -> Arrival {
        Arrival(
            jobID: JobID(id), account: AccountID(id.hasPrefix("b") ? "bert" : "anna"),
            tokenHash: SHA256Digest(of: Array("token".utf8)), generation: 0, copy: 0, attempts: 0, isAmbiguous: false,
            firstSeen: start)
    }

    /// Five published and one owed result, and a job that is being called.
    private func fill(_ ledger: SQLiteLedger) async throws {
        for (number, id) in ["a1", "a2", "a3", "b1", "b2", "a4"].enumerated() {
            try await ledger.record(
                .finished(
                    Self.arrival(id), Self.result(id, at: Self.start + .seconds(number)), attempts: 1,
                    isAmbiguous: false, needsLetter: false))
            if id != "a4" { ledger.mark(.result, of: JobID(id), generation: 0) }
        }
        _ = try await ledger.claim(
            Claim(
                arrival: Self.arrival("open"), kind: .call, day: "2023-11-14", at: Self.start, attempts: 0,
                isAmbiguous: false, malformedAnswers: 0, closing: nil))
    }

    /// The file is nobody's else: what is open there ends, its result goes out at once or with the next daemon.
    @Test func aJobIsEndedForGoodInTheFile() async throws {
        for isThere in [true, false] {
            let folder = LedgerFolder()
            let ledger = try await SQLiteLedger.open(path: folder.ledger, durability: .normal, onWaiting: nil)
            try await fill(ledger)
            await ledger.close(within: SQLiteLedger.closeTime)
            let announced = Lock<[String]>([])
            let desk = LedgerDesk(
                .file(path: folder.ledger), publish: { _ in false },
                announce: { result in
                    announced.withLock { $0.append(result.messageID) }
                    return isThere
                })
            func cancel(_ id: String) async throws -> JSONValue {
                let request = JSONValue.object([.init("jobId", .text(id)), .init("by", .text("uid 7"))])
                return try #require(try await desk.answer("job.cancel", request))
            }
            let ended = try await cancel("open")
            #expect(ended["state"]?.text == "ended" && ended["reason"]?.text == "cancelled")
            #expect(ended["effect"]?.text == "unknown", "its call had begun")
            #expect(ended["published"]?.bool == isThere)
            #expect(announced.withLock { $0 } == ["open#0"])
            #expect(try await cancel("open")["state"]?.text == "had_ended")
            #expect(try await cancel("a1")["outcome"]?.text == "left")
            #expect(try await cancel("ghost")["state"]?.text == "remembered")
            #expect(announced.withLock { $0 } == ["open#0"])
            await #expect(throws: DeskFault.self) { _ = try await cancel("no id") }

            let reader = try LedgerReader(path: folder.ledger)
            let story = try #require(try reader.story(of: JobID("open")))
            #expect(story.state == .finished(resultIsPublished: isThere, letterIsPublished: false))
            #expect(story.events.map(\.detail) == ["for good, by uid 7"])
            #expect(try reader.faults() == [])
        }
    }

    /// Runs the body over the ledger as it lives in a daemon, then over its file, filled afresh.
    private func onBoth(
        publishes: Bool = true, _ body: (LedgerDesk, Lock<[String]>) async throws -> Void
    ) async throws {
        for isLive in [true, false] {
            let folder = LedgerFolder()
            let ledger = try await SQLiteLedger.open(path: folder.ledger, durability: .normal, onWaiting: nil)
            try await fill(ledger)
            let published = Lock<[String]>([])
            if !isLive { await ledger.close(within: SQLiteLedger.closeTime) }
            let desk = LedgerDesk(isLive ? .live(ledger) : .file(path: folder.ledger)) { result in
                published.withLock { $0.append(result.messageID) }
                return publishes
            }
            try await body(desk, published)
            if isLive { await ledger.close(within: SQLiteLedger.closeTime) }
        }
    }

    private func arguments(_ name: String, _ value: JSONValue) -> JSONValue { .object([.init(name, value)]) }

    @Test func statistics() async throws {
        try await onBoth { desk, _ in
            let answer = try #require(try await desk.answer("ledger.stats", .object([])))
            #expect(answer["entries"]?.integer == 7)
            #expect(answer["open"]?.integer == 1)
            #expect(answer["unpublishedResults"]?.integer == 1)
        }
    }

    @Test func aStory() async throws {
        try await onBoth { desk, _ in
            let story = try #require(try await desk.answer("job", arguments("jobId", .text("a1"))))
            #expect(story["state"]?.text == "finished")
            #expect(story["resultPublished"]?.bool == true)
            #expect(story["results"]?.elements?.first?["body"]?["jobId"]?.text == "a1")
            // Hexadecimal, never the token.
            #expect(story["tokenSha256"]?.text == SHA256Digest(of: Array("token".utf8)).hexadecimal)
            let open = try #require(try await desk.answer("job", arguments("jobId", .text("open"))))
            #expect(open["state"]?.text == "calling")
            await #expect(throws: DeskFault.unknown("the ledger has nothing of job none")) {
                _ = try await desk.answer("job", arguments("jobId", .text("none")))
            }
            await #expect(throws: DeskFault.self) {
                _ = try await desk.answer("job", arguments("jobId", .text("no id at all")))
            }
        }
    }

    @Test func pruningLeavesWhatIsNeeded() async throws {
        try await onBoth { desk, _ in
            let hour = try await desk.answer("ledger.prune", arguments("olderThanSeconds", .integer(3600)))
            #expect(hour?["pruned"]?.integer == 0)
            // Older than now means before this millisecond.
            try await Task.sleep(for: .milliseconds(5))
            let all = try await desk.answer("ledger.prune", arguments("olderThanSeconds", .integer(0)))
            #expect(all?["pruned"]?.integer == 5)
            let left = try await desk.answer("ledger.stats", .object([]))
            #expect(left?["entries"]?.integer == 2)
            await #expect(throws: DeskFault.self) { _ = try await desk.answer("ledger.prune", .object([])) }
        }
    }

    @Test func forgetting() async throws {
        try await onBoth { desk, _ in
            let one = try await desk.answer("ledger.forget", arguments("jobId", .text("b1")))
            #expect(one == .object([.init("forgotten", .integer(1)), .init("needed", .integer(0))]))
            let open = try await desk.answer("ledger.forget", arguments("jobId", .text("open")))
            #expect(open?["needed"]?.integer == 1)
            let account = try await desk.answer("ledger.forget", arguments("account", .text("anna")))
            #expect(account?["forgotten"]?.integer == 3)
            #expect(account?["needed"]?.integer == 2)
            let left = try await desk.answer("ledger.stats", .object([]))
            #expect(left?["entries"]?.integer == 3)
        }
    }

    @Test func verifyingAndBackingUp() async throws {
        try await onBoth { desk, _ in
            #expect(try await desk.answer("ledger.verify", .object([]))?["faults"]?.elements == [])
            let folder = LedgerFolder()
            _ = try await desk.answer("ledger.backup", arguments("file", .text(folder.ledger)))
            #expect(try LedgerReader(path: folder.ledger).story(of: JobID("b2")) != nil)
            await #expect(throws: DeskFault.self) {
                _ = try await desk.answer("ledger.backup", arguments("file", .text("relative")))
            }
        }
    }

    @Test func replaying() async throws {
        try await onBoth { desk, published in
            let one = try await desk.answer("results.replay", arguments("jobId", .text("a2")))
            #expect(one?["published"]?.integer == 1)
            #expect(published.withLock { $0 } == ["a2#0"])
            let since = Self.start + .seconds(3)
            let page = try await desk.answer("results.replay", arguments("sinceMs", .integer(since.milliseconds)))
            #expect(page?["published"]?.integer == 3)
            #expect(page?["after"] == nil)
            #expect(published.withLock { Set($0.dropFirst()) } == ["b1#0", "b2#0", "a4#0"])
            await #expect(throws: DeskFault.unknown("the ledger has no result of job open")) {
                _ = try await desk.answer("results.replay", arguments("jobId", .text("open")))
            }
        }
    }

    @Test func aReplayThatTheBrokerDoesNotConfirmIsNoSuccess() async throws {
        try await onBoth(publishes: false) { desk, _ in
            await #expect(throws: DeskFault.unavailable("the broker confirmed 0 of 1 results; try again")) {
                _ = try await desk.answer("results.replay", arguments("jobId", .text("a2")))
            }
        }
    }

    @Test func whatIsNoQuestionOfTheLedgerIsLeftToOthers() async throws {
        try await onBoth { desk, _ in
            let answer = try await desk.answer("status", .object([]))
            #expect(answer == nil)
        }
    }

    @Test func whereThereIsNoLedgerNoneIsMade() async throws {
        let folder = LedgerFolder()
        let desk = LedgerDesk(.file(path: folder.ledger)) { _ in true }
        for request in ["ledger.stats", "ledger.verify", "ledger.prune"] {
            await #expect(throws: DeskFault.self) {
                _ = try await desk.answer(request, arguments("olderThanSeconds", .integer(0)))
            }
        }
        #expect(access(folder.ledger, F_OK) != 0)
    }
}

/// A folder for a ledger, which goes with its owner.
final class LedgerFolder: Sendable {
    let path: String
    var ledger: String { path + "/ledger.sqlite3" }

    init() {
        var template = Array("/tmp/desk-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? ""
    }

    deinit {
        guard let folder = opendir(path) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name.0) { String(cString: $0) }
            unlink("\(path)/\(name)")
        }
        closedir(folder)
        rmdir(path)
    }
}
