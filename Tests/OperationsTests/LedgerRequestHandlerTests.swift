import Clocks
import Concurrency
import Glibc
import JSON
import Jobs
import Ledger
import LedgerDatabase
import PostgresLedger
import SQLiteLedger
import Secrets
import Testing

@testable import Operations

/// Each question, asked of a running ledger, and of the file or the database that it leaves: all say the same.
@Suite(.timeLimit(.minutes(30))) struct LedgerRequestHandlerTests {
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
    private func fill(_ ledger: any LedgerKeeping) async throws {
        for (number, id) in ["a1", "a2", "a3", "b1", "b2", "a4"].enumerated() {
            try await ledger.record(
                .finished(
                    Self.arrival(id), Self.result(id, at: Self.start + .seconds(number)), attempts: 1,
                    isAmbiguous: false, needsDeadLetter: false), under: nil, isUnheard: false)
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
            let ledger = try await EmbeddedLedger.open(path: folder.ledger, durability: .normal, onWaiting: nil)
            try await fill(ledger)
            await ledger.close(within: EmbeddedLedger.closeTime)
            let announced = Lock<[String]>([])
            let handler = LedgerRequestHandler(
                .file(path: folder.ledger), publish: { _ in false },
                publishNew: { result in
                    announced.withLock { $0.append(result.messageID) }
                    return isThere
                })
            func cancel(_ id: String) async throws -> ForcedCancel {
                try await JobCancelRequest(JobID(id), by: "uid 7").answer(from: handler)
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
            let history = try #require(try reader.history(of: JobID("open")))
            #expect(history.state == .finished(resultIsPublished: isThere, deadLetterIsPublished: false))
            #expect(history.events.map(\.detail) == ["for good, by uid 7"])
            #expect(try reader.faults() == [])
        }
    }

    /// How a question reaches the ledger.
    private enum Place: CaseIterable {
        case daemonWithFile, file, daemonWithDatabase, database

        static let files: [Place] = [.daemonWithFile, .file]

        var isLive: Bool { self == .daemonWithFile || self == .daemonWithDatabase }
    }

    private typealias Body = @Sendable (LedgerRequestHandler, Lock<[String]>) async throws -> Void

    /// Runs the body over the ledger as it lives in a daemon, and where no daemon is asked, filled afresh each time.
    private func onEach(
        _ places: [Place] = Place.allCases, publishes: Bool = true, _ body: @escaping Body
    ) async throws {
        for place in places {
            switch place {
            case .daemonWithFile, .file:
                let folder = LedgerFolder()
                let ledger = try await EmbeddedLedger.open(path: folder.ledger, durability: .normal, onWaiting: nil)
                try await run(body, over: ledger, place, .file(path: folder.ledger), publishes)
            case .daemonWithDatabase, .database:
                try await LedgerServer.shared.with { server in
                    let name = try await LedgerServer.shared.freshDatabase(on: server)
                    let configuration = try LedgerServer.configuration(of: server, database: name)
                    let ledger = try await DatabaseLedger.join(
                        configuration, member: MemberDescription(name: "a", version: "1"),
                        durations: LeaseDurations(callTimeout: .seconds(20)))
                    try await run(body, over: ledger, place, .database(configuration), publishes)
                }
            }
        }
    }

    private func run(
        _ body: Body, over ledger: any LedgerKeeping, _ place: Place, _ source: LedgerSource, _ publishes: Bool
    ) async throws {
        try await fill(ledger)
        let published = Lock<[String]>([])
        if !place.isLive { await ledger.close(within: .seconds(20)) }
        let handler = LedgerRequestHandler(place.isLive ? .live(ledger) : source) { result in
            published.withLock { $0.append(result.messageID) }
            return publishes
        }
        try await body(handler, published)
        if place.isLive { await ledger.close(within: .seconds(20)) }
    }

    private static func waiting(
        _ id: String, account: String = "anna", token: String = "token", generation: Int = 0
    ) -> WaitingJob {
        WaitingJob(
            jobID: JobID(id), account: AccountID(account),
            tokenHash: SHA256Digest(of: Array(token.utf8)).hexadecimal, generation: generation, copy: 0)
    }

    @Test func aPreviewSaysOfEachWaitingJobWhatItsRowSays() async throws {
        try await onEach { handler, _ in
            let answer = try await PreviewRequest([
                Self.waiting("ghost"), Self.waiting("a1"), Self.waiting("a1", account: "bert"),
                Self.waiting("a1", token: "another"), Self.waiting("a1", generation: 1), Self.waiting("open"),
                Self.waiting("open", generation: 1),
            ]).answer(from: handler)
            #expect(
                answer.jobs.map(\.state) == [.open, .finished, .conflict, .conflict, .open, .open, .open])
            #expect(answer.jobs[1].outcome == "left")
            // Its call was begun and not ended.
            #expect(answer.jobs[5].isAmbiguous && !answer.jobs[0].isAmbiguous)
            #expect(answer.jobs[5].age != nil && answer.jobs[0].age == nil)
            #expect(answer.holds.isEmpty)
        }
    }

    private struct LateClock: TimeSource {
        private let host = SystemTimeSource()

        func now() -> MonotonicTime { host.now() }
        func wall() -> Timestamp { LedgerRequestHandlerTests.start + .seconds(100) }
        func sleep(until time: MonotonicTime) async { await host.sleep(until: time) }
    }

    /// The host's may be days away from it.
    @Test func ageIsByTheLedgersClock() async throws {
        let folder = LedgerFolder()
        let ledger = try await EmbeddedLedger.open(
            path: folder.ledger, durability: .normal, clock: LateClock(), onWaiting: nil)
        try await fill(ledger)
        let handler = LedgerRequestHandler(.live(ledger)) { _ in true }
        #expect(try await LedgerPruneRequest(olderThan: .seconds(200)).answer(from: handler).pruned == 0)
        _ = try await JobNoteRequest(JobID("open"), generation: 0, kind: "k", detail: "d").answer(from: handler)
        let history = try await ledger.history(of: JobID("open"))
        #expect(history?.events.map(\.at) == [Self.start + .seconds(100)])
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func statistics() async throws {
        try await onEach { handler, _ in
            let statistics = try await LedgerStatisticsRequest().answer(from: handler).statistics
            #expect(statistics.entries == 7)
            #expect(statistics.open == 1)
            #expect(statistics.unpublished == 1)
        }
    }

    @Test func aHistory() async throws {
        try await onEach { handler, _ in
            let history = try await JobRequest(JobID("a1")).answer(from: handler)
            #expect(history.state == .finished(resultIsPublished: true, deadLetterIsPublished: true))
            #expect(history.results.first?.body["jobId"]?.text == "a1")
            // Hexadecimal, never the token.
            #expect(history.tokenHash == SHA256Digest(of: Array("token".utf8)).hexadecimal)
            #expect(try await JobRequest(JobID("open")).answer(from: handler).state == .calling(nil))
            await #expect(throws: ControlFault.unknown("the ledger has nothing of job none")) {
                _ = try await JobRequest(JobID("none")).answer(from: handler)
            }
        }
    }

    @Test func aNoteIsALineOfTheHistory() async throws {
        try await onEach { handler, _ in
            _ = try await JobNoteRequest(JobID("a1"), generation: 0, kind: "redriven", detail: "by anna")
                .answer(from: handler)
            let event = try #require(try await JobRequest(JobID("a1")).answer(from: handler).events.last)
            #expect(event.kind == "redriven" && event.detail == "by anna" && event.generation == 0)
        }
    }

    @Test func aListIsReconciled() async throws {
        try await onEach { handler, _ in
            let jobs = try await ReconcileRequest(["a1", "open", "none"].map { JobID($0) }).answer(from: handler).jobs
            #expect(jobs.map(\.jobID.string) == ["a1", "open", "none"])
            let left = JobEnding(outcome: .left, reason: nil, effect: nil)
            #expect(jobs.map(\.state) == [.ended(left, next: nil, completedAt: nil), .calling, .unknown])
        }
    }

    @Test func pruningLeavesWhatIsNeeded() async throws {
        try await onEach { handler, _ in
            #expect(try await LedgerPruneRequest(olderThan: .seconds(3600)).answer(from: handler).pruned == 0)
            // Older than now means before this millisecond.
            try await Task.sleep(for: .milliseconds(5))
            #expect(try await LedgerPruneRequest(olderThan: .zero).answer(from: handler).pruned == 5)
            #expect(try await LedgerStatisticsRequest().answer(from: handler).statistics.entries == 2)
        }
    }

    @Test func forgetting() async throws {
        try await onEach { handler, _ in
            let one = try await LedgerForgetRequest.job(JobID("b1")).answer(from: handler)
            #expect(one == .init(forgotten: 1, needed: 0))
            #expect(try await LedgerForgetRequest.job(JobID("open")).answer(from: handler).needed == 1)
            let account = try await LedgerForgetRequest.account(AccountID("anna")).answer(from: handler)
            #expect(account == .init(forgotten: 3, needed: 2))
            #expect(try await LedgerStatisticsRequest().answer(from: handler).statistics.entries == 3)
        }
    }

    @Test func verifying() async throws {
        try await onEach { handler, _ in
            let faults = try await LedgerVerifyRequest().answer(from: handler).faults
            #expect(faults == [])
        }
    }

    @Test func members() async throws {
        try await onEach(Place.files) { handler, _ in
            let members = try await LedgerMembersRequest().answer(from: handler).members
            #expect(members == [])
        }
        try await onEach([.daemonWithDatabase]) { handler, _ in
            let members = try await LedgerMembersRequest().answer(from: handler).members
            #expect(members.map(\.name) == ["a"] && members.map(\.state) == [.working])
        }
        try await onEach([.database]) { handler, _ in
            let members = try await LedgerMembersRequest().answer(from: handler).members
            #expect(members.map(\.state) == [.gone], "whoever only asks is no member")
        }
    }

    @Test func aDatabaseIsNotBackedUpIntoAFile() async throws {
        try await onEach([.daemonWithDatabase, .database]) { handler, _ in
            let folder = LedgerFolder()
            let fault = await #expect(throws: ControlFault.self) {
                _ = try await LedgerBackupRequest(file: folder.ledger).answer(from: handler)
            }
            #expect(fault?.description.contains("pg_dump") == true && access(folder.ledger, F_OK) != 0)
        }
    }

    @Test func backingUp() async throws {
        try await onEach(Place.files) { handler, _ in
            let folder = LedgerFolder()
            let copy = try await LedgerBackupRequest(file: folder.ledger).answer(from: handler)
            #expect(copy.file == folder.ledger)
            #expect(try LedgerReader(path: folder.ledger).history(of: JobID("b2")) != nil)
        }
    }

    @Test func replaying() async throws {
        try await onEach { handler, published in
            let one = try await ReplayRequest.job(JobID("a2")).answer(from: handler)
            #expect(one.published == 1)
            #expect(published.withLock { $0 } == ["a2#0"])
            let page = try await ReplayRequest.since(Self.start + .seconds(3), after: nil).answer(from: handler)
            #expect(page.published == 3)
            #expect(page.after == nil)
            #expect(published.withLock { Set($0.dropFirst()) } == ["b1#0", "b2#0", "a4#0"])
            await #expect(throws: ControlFault.unknown("the ledger has no result of job open")) {
                _ = try await ReplayRequest.job(JobID("open")).answer(from: handler)
            }
        }
    }

    @Test func aReplayThatTheBrokerDoesNotConfirmIsNoSuccess() async throws {
        try await onEach(publishes: false) { handler, _ in
            await #expect(throws: ControlFault.unavailable("the broker confirmed 0 of 1 results; try again")) {
                _ = try await ReplayRequest.job(JobID("a2")).answer(from: handler)
            }
        }
    }

    @Test func whereThereIsNoLedgerNoneIsMade() async throws {
        let folder = LedgerFolder()
        let handler = LedgerRequestHandler(.file(path: folder.ledger)) { _ in true }
        await #expect(throws: ControlFault.self) { _ = try await LedgerStatisticsRequest().answer(from: handler) }
        await #expect(throws: ControlFault.self) { _ = try await LedgerVerifyRequest().answer(from: handler) }
        await #expect(throws: ControlFault.self) {
            _ = try await LedgerPruneRequest(olderThan: .zero).answer(from: handler)
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
