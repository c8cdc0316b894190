import Clocks
import Concurrency
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

@Suite(.timeLimit(.minutes(30))) struct GroupCommitTests {
    @Test func whatComesDuringACommitIsOneCommit() async throws {
        let folder = TemporaryFolder()
        let gate = try Gate()
        let started = Lock(0)
        let jobs = 200
        // The first commit lasts until all the others have been asked for.
        let isFirst = Lock(true)
        let ledger = try EmbeddedLedger.opened(
            folder,
            onCommit: { _, _ in
                let mustWait = isFirst.withLock { isFirst in
                    defer { isFirst = false }
                    return isFirst
                }
                if mustWait { gate.pass() }
            })
        await withTaskGroup(of: ClaimAnswer?.self) { group in
            for number in 0..<jobs {
                group.addTask {
                    let count = started.withLock { count in
                        count += 1
                        return count
                    }
                    if count == jobs { gate.open() }
                    return try? await ledger.claim(Sample.claim(Sample.arrival("job-\(number)")))
                }
            }
            for await answer in group { #expect(answer == .claimed(Sample.open())) }
        }
        let commits = ledger.commits
        #expect(commits.operations == jobs)
        #expect(commits.count < jobs / 10)
        #expect(try await ledger.count(of: Sample.day).calls == jobs)
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func aFaultOfOneOperationFailsItAlone() async throws {
        let folder = TemporaryFolder()
        let gate = try Gate()
        let health = HealthLog()
        let ledger = try EmbeddedLedger.opened(folder, onHealth: { health.reported($0) })
        // All in one batch: the thread stands still until they are posted, in the order of this text.
        await withCheckedContinuation { status in
            ledger.ping {
                status.resume()
                gate.pass()
            }
        }
        let replies = Lock<[String]>([])
        func post(_ name: String, _ sql: String) {
            ledger.thread.post(
                .write(
                    { rows throws(SQLiteFault) in
                        try rows.connection.execute(sql)
                        return { replies.withLock { $0.append("\(name) written") } }
                    }, refuse: { error in replies.withLock { $0.append("\(name) refused \(error.isUnusable)") } }))
        }
        /// Comes back when it is posted.
        func claim(_ id: String) async {
            let posted = AsyncStream<Void>.makeStream()
            Task {
                let answer = await withCheckedContinuation { (reply: LedgerOperation.Reply<ClaimAnswer>) in
                    ledger.thread.post(.claim(Sample.claim(Sample.arrival(id)), reply))
                    posted.continuation.finish()
                }
                replies.withLock { $0.append("\(id) \((try? answer.get()) == .claimed(Sample.open()))") }
            }
            for await _ in posted.stream {}
        }
        await claim("claimed before")
        post("first", "INSERT INTO days VALUES ('first', 1, 1, 1)")
        post("broken", "INSERT INTO days VALUES ('broken', 1, 1, 1); INSERT INTO days VALUES (NULL, 1, 1, 1)")
        await claim("claimed after")
        post("last", "INSERT INTO days VALUES ('last', 1, 1, 1)")
        gate.open()
        #expect(try await ledger.count(of: "broken") == DayCount(calls: 0, albumQueries: 0))
        #expect(try await ledger.count(of: "first") == DayCount(calls: 1, albumQueries: 1))
        #expect(try await ledger.count(of: "last") == DayCount(calls: 1, albumQueries: 1))
        #expect(
            replies.withLock { $0 }.filter { !$0.hasPrefix("claimed") }
                == ["first written", "broken refused true", "last written"])
        #expect(ledger.commits.count == 1)
        // What was counted for the others is counted, and once.
        #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 2, albumQueries: 0))
        #expect(try await ledger.statistics().open == 2)
        #expect(try await ledger.verify() == [])
        // That is no trouble of the ledger.
        #expect(try await ledger.claim(Sample.claim(Sample.arrival())) == .claimed(Sample.open()))
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func linesOfHistoriesCostNoCommitOfTheirOwn() async throws {
        let folder = TemporaryFolder()
        let clock = StoppedClock()
        let ledger = try EmbeddedLedger.opened(folder, clock: clock)
        let arrival = Sample.arrival()
        _ = try await ledger.claim(Sample.claim(arrival))
        for _ in 0..<3 {
            ledger.note(JobEvent(jobID: arrival.jobID, generation: 0, at: Sample.start, kind: "called", detail: "x"))
            _ = try await ledger.lookUp(arrival, at: Sample.start)
        }
        #expect(ledger.commits.count == 1)
        try await ledger.record(Sample.finished(arrival))
        #expect(ledger.commits.count == 2)
        #expect(try LedgerReader(path: folder.ledger).history(of: arrival.jobID)?.events.count == 3)
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func marksGoAlongWithTheNextCommitAndAreSeenByTheNextRead() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder, clock: StoppedClock())
        for id in ["one", "two"] { try await ledger.record(Sample.finished(Sample.arrival(id))) }
        #expect(ledger.commits.count == 2)
        ledger.mark(.result, of: JobID("one"), generation: 0)
        await withCheckedContinuation { reply in ledger.ping { reply.resume() } }
        #expect(ledger.commits.count == 2, "it waits, and the clock stands")
        _ = try await ledger.claim(Sample.claim(Sample.arrival("three")))
        #expect(ledger.commits.count == 3)
        #expect(try await ledger.statistics().unpublished == 1)
        #expect(ledger.commits.count == 3)
        ledger.mark(.result, of: JobID("two"), generation: 0)
        guard case .finished(let job) = try await ledger.lookUp(Sample.arrival("two"), at: Sample.start) else {
            Issue.record("it has ended")
            return
        }
        #expect(job.resultIsPublished)
        #expect(ledger.commits.count == 4)
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func aMarkThatNothingFollowsHasACommitOfItsOwn() async throws {
        let folder = TemporaryFolder()
        let committed = AsyncStream<Int>.makeStream()
        let ledger = try EmbeddedLedger.opened(
            folder, onCommit: { operations, _ in committed.continuation.yield(operations) })
        var commits = committed.stream.makeAsyncIterator()
        try await ledger.record(Sample.finished(Sample.arrival()))
        ledger.mark(.result, of: JobID("job-1"), generation: 0)
        #expect(await commits.next() == 1)
        #expect(await commits.next() == 1)
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func closingReturnsWhenAllIsWritten() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        for number in 0..<50 {
            ledger.recordHold(.rateLimited, since: Sample.start + .seconds(number), until: nil, detail: "")
        }
        #expect(await ledger.close(within: EmbeddedLedger.closeTime) == 0)
        let reader = try LedgerReader(path: folder.ledger)
        #expect(try reader.holds(from: Sample.start, to: Sample.start + .seconds(60)).count == 50)
        #expect(!LedgerFile(path: folder.ledger, durability: .normal).hasLogLeft)
    }

    @Test func aPingComesBackFromAnIdleLedger() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        await withCheckedContinuation { reply in ledger.ping { reply.resume() } }
        await ledger.close(within: EmbeddedLedger.closeTime)
        // And from a closed one nothing: whoever watches it is closed before.
        await #expect(throws: LedgerError.closed) { _ = try await ledger.lookUp(Sample.arrival(), at: Sample.start) }
        #expect(await ledger.close(within: EmbeddedLedger.closeTime) == 0)
    }
}

extension LedgerError {
    var isUnusable: Bool { if case .unusable = self { true } else { false } }
    var isUnavailable: Bool { if case .unavailable = self { true } else { false } }
}
