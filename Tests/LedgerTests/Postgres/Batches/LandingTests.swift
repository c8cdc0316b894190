import Concurrency
import Jobs
import PrivateDatabase
import ScriptedPeer
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What becomes of a batch under way while what another one rests on is read.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct LandingTests {
    /// The record of a call, which is being written, and another one, whose job is being read first: the proxy keeps each until
    /// it may go on. Nothing of either depends on how long that takes.
    private struct Kept {
        let ledger: DatabaseLedger
        let written: HeldRow.Answers
        let other: HeldRow.Answers
        let mayWrite: RawSignal
        let mayRead: RawSignal
        let reads: Lock<Int>
    }

    /// `action`: what becomes of the writing.
    private static func with(_ action: PostgresProxy.Action, _ body: (Kept) async throws -> Void) async throws {
        let database = try await SharedDatabase()
        let (isWriting, isReading) = (AsyncSignal(), AsyncSignal())
        let (mayWrite, mayRead) = (try RawSignal(), try RawSignal())
        let (isKept, writes, reads, health) = (Lock(false), Lock(0), Lock(0), HeardHealth())
        let script = PostgresProxy.script(to: database.server.port) { statements in
            guard isKept.withLock({ $0 }) else { return .pass }
            if statements.contains("load_jobs") {
                reads.withLock { $0 += 1 }
                isReading.signal()
                try mayRead.wait()
                return .pass
            }
            guard statements.contains(where: { $0.hasPrefix("update_jobs") }) else { return .pass }
            let isFirst = writes.withLock { writes in
                writes += 1
                return writes == 1
            }
            guard isFirst else { return .pass }
            isWriting.signal()
            try mayWrite.wait()
            return action
        }
        try await RawPeer.serving(script) { peer in
            defer {
                mayWrite.fire()
                mayRead.fire()
            }
            let ledger = try await database.join(port: peer.port) { parts in
                parts.heartbeatInterval = .seconds(3_600)
                parts.batchTimeout = .seconds(3_600)
                parts.onHealth = { health.note($0) }
            }
            let arrival = Sample.arrival("called")
            let lease = try #require(try await ledger.lease(arrival))
            isKept.withLock { $0 = true }
            let written = HeldRow.ask(ledger, .record(Sample.finished(arrival), lease, isUnheard: false, Sample.start))
            await isWriting.wait()
            let other = HeldRow.ask(ledger, HeldRow.record("other"))
            await isReading.wait()
            try await body(
                Kept(
                    ledger: ledger, written: written, other: other, mayWrite: mayWrite,
                    mayRead: mayRead, reads: reads))
            #expect(
                try await database.run("SELECT convert_from(job_id, 'UTF8'), finished FROM leave_album.jobs ORDER BY 1")
                    == "called|t\nother|t")
            #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 1, albumQueries: 0))
            #expect(try await ledger.verify() == [])
            #expect(await ledger.close(within: DatabaseLedger.closeTime) == 0)
        }
        #expect(health.words.withLock { $0 } == [])
    }

    @Test func anAnswerDoesNotWaitForWhatIsReadForAnotherBatch() async throws {
        try await Self.with(.pass) { kept in
            kept.mayWrite.fire()
            #expect(await kept.written.first { _ in true } == .recorded(.copy(0)))
            kept.mayRead.fire()
            #expect(await kept.other.first { _ in true } == .recorded(.copy(0)))
            #expect(kept.reads.withLock { $0 } == 1, "what was read had to be given up first")
        }
    }

    /// What is read goes on over its own connection, and is written there; then all are made anew.
    @Test func aConnectionThatEndsMeanwhileTakesNothingFromWhatIsRead() async throws {
        for action in [PostgresProxy.Action.loseAnswer, .swallow] {
            try await Self.with(action) { kept in
                kept.mayWrite.fire()
                while kept.ledger.counts.unknownCommits == 0 { await Task.yield() }
                #expect(kept.reads.withLock { $0 } == 1, "what was read had to be given up first")
                kept.mayRead.fire()
                #expect(await kept.other.first { _ in true } == .recorded(.copy(0)))
                #expect(await kept.written.first { _ in true } == .recorded(.copy(0)))
                #expect(kept.ledger.counts.unknownCommits == 1)
            }
        }
    }

    @Test func whatIsUndoneMeanwhileIsDoneAgainAfterwards() async throws {
        try await Self.with(.fail(state: "40001")) { kept in
            kept.mayWrite.fire()
            while kept.ledger.counts.retries.isEmpty { await Task.yield() }
            #expect(kept.reads.withLock { $0 } == 1, "what was read had to be given up first")
            kept.mayRead.fire()
            #expect(await kept.other.first { _ in true } == .recorded(.copy(0)))
            #expect(await kept.written.first { _ in true } == .recorded(.copy(0)))
        }
    }
}
