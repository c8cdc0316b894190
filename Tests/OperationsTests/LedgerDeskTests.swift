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
            func cancel(_ id: String) async throws -> ForcedCancel {
                try await JobCancelRequest(JobID(id), by: "uid 7").answer(from: desk)
            }
            // Its call had begun.
            let ending = JobEnding(outcome: .failed, reason: .cancelled, effect: .unknown)
            #expect(try await cancel("open") == .ended(JobID("open"), ending, isPublished: isThere))
            #expect(announced.withLock { $0 } == ["open#0"])
            #expect(try await cancel("open") == .hadEnded(JobID("open"), ending))
            let left = JobEnding(outcome: .left, reason: nil, effect: nil)
            #expect(try await cancel("a1") == .hadEnded(JobID("a1"), left))
            #expect(try await cancel("ghost") == .remembered(JobID("ghost")))
            #expect(announced.withLock { $0 } == ["open#0"])

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

    @Test func statistics() async throws {
        try await onBoth { desk, _ in
            let statistics = try await LedgerStatisticsRequest().answer(from: desk).statistics
            #expect(statistics.entries == 7)
            #expect(statistics.open == 1)
            #expect(statistics.unpublished == 1)
        }
    }

    @Test func aStory() async throws {
        try await onBoth { desk, _ in
            let story = try await JobRequest(JobID("a1")).answer(from: desk)
            #expect(story.state == .finished(resultIsPublished: true, letterIsPublished: true))
            #expect(story.results.first?.body["jobId"]?.text == "a1")
            // Hexadecimal, never the token.
            #expect(story.tokenHash == SHA256Digest(of: Array("token".utf8)).hexadecimal)
            #expect(try await JobRequest(JobID("open")).answer(from: desk).state == .calling(nil))
            await #expect(throws: DeskFault.unknown("the ledger has nothing of job none")) {
                _ = try await JobRequest(JobID("none")).answer(from: desk)
            }
        }
    }

    @Test func aNoteIsALineOfTheStory() async throws {
        try await onBoth { desk, _ in
            _ = try await JobNoteRequest(JobID("a1"), generation: 0, kind: "redriven", detail: "by anna")
                .answer(from: desk)
            let event = try #require(try await JobRequest(JobID("a1")).answer(from: desk).events.last)
            #expect(event.kind == "redriven" && event.detail == "by anna" && event.generation == 0)
        }
    }

    @Test func aListIsReconciled() async throws {
        try await onBoth { desk, _ in
            let jobs = try await ReconcileRequest(["a1", "open", "none"].map { JobID($0) }).answer(from: desk).jobs
            #expect(jobs.map(\.jobID.string) == ["a1", "open", "none"])
            let left = JobEnding(outcome: .left, reason: nil, effect: nil)
            #expect(jobs.map(\.state) == [.ended(left, next: nil, completedAt: nil), .calling, .unknown])
        }
    }

    @Test func pruningLeavesWhatIsNeeded() async throws {
        try await onBoth { desk, _ in
            #expect(try await LedgerPruneRequest(olderThan: .seconds(3600)).answer(from: desk).pruned == 0)
            // Older than now means before this millisecond.
            try await Task.sleep(for: .milliseconds(5))
            #expect(try await LedgerPruneRequest(olderThan: .zero).answer(from: desk).pruned == 5)
            #expect(try await LedgerStatisticsRequest().answer(from: desk).statistics.entries == 2)
        }
    }

    @Test func forgetting() async throws {
        try await onBoth { desk, _ in
            let one = try await LedgerForgetRequest.job(JobID("b1")).answer(from: desk)
            #expect(one == .init(forgotten: 1, needed: 0))
            #expect(try await LedgerForgetRequest.job(JobID("open")).answer(from: desk).needed == 1)
            let account = try await LedgerForgetRequest.account(AccountID("anna")).answer(from: desk)
            #expect(account == .init(forgotten: 3, needed: 2))
            #expect(try await LedgerStatisticsRequest().answer(from: desk).statistics.entries == 3)
        }
    }

    @Test func verifyingAndBackingUp() async throws {
        try await onBoth { desk, _ in
            #expect(try await LedgerVerifyRequest().answer(from: desk).faults == [])
            let folder = LedgerFolder()
            let copy = try await LedgerBackupRequest(file: folder.ledger).answer(from: desk)
            #expect(copy.file == folder.ledger)
            #expect(try LedgerReader(path: folder.ledger).story(of: JobID("b2")) != nil)
        }
    }

    @Test func replaying() async throws {
        try await onBoth { desk, published in
            let one = try await ReplayRequest.job(JobID("a2")).answer(from: desk)
            #expect(one.published == 1)
            #expect(published.withLock { $0 } == ["a2#0"])
            let page = try await ReplayRequest.since(Self.start + .seconds(3), after: nil).answer(from: desk)
            #expect(page.published == 3)
            #expect(page.after == nil)
            #expect(published.withLock { Set($0.dropFirst()) } == ["b1#0", "b2#0", "a4#0"])
            await #expect(throws: DeskFault.unknown("the ledger has no result of job open")) {
                _ = try await ReplayRequest.job(JobID("open")).answer(from: desk)
            }
        }
    }

    @Test func aReplayThatTheBrokerDoesNotConfirmIsNoSuccess() async throws {
        try await onBoth(publishes: false) { desk, _ in
            await #expect(throws: DeskFault.unavailable("the broker confirmed 0 of 1 results; try again")) {
                _ = try await ReplayRequest.job(JobID("a2")).answer(from: desk)
            }
        }
    }

    @Test func whereThereIsNoLedgerNoneIsMade() async throws {
        let folder = LedgerFolder()
        let desk = LedgerDesk(.file(path: folder.ledger)) { _ in true }
        await #expect(throws: DeskFault.self) { _ = try await LedgerStatisticsRequest().answer(from: desk) }
        await #expect(throws: DeskFault.self) { _ = try await LedgerVerifyRequest().answer(from: desk) }
        await #expect(throws: DeskFault.self) {
            _ = try await LedgerPruneRequest(olderThan: .zero).answer(from: desk)
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
