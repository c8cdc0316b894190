import AMQP
import Clocks
import Concurrency
import Jobs
import Ledger
import Messages
import Photos
import PipelineHarness
import Testing

@testable import Pipeline

/// One job in the hands of two workers. A lease is five seconds long.
@Suite(.timeLimit(.minutes(30))) struct LeasePathTests {
    private static let callUntil = Harness.start + .seconds(5)

    /// Whether it is the end of the first lease. A shared ledger's may be later by what it guesses the clock by.
    private static func isCallUntil(_ time: Timestamp?) -> Bool {
        time.map { $0 >= callUntil && $0 <= callUntil + .milliseconds(200) } ?? false
    }

    /// Waits on the manual clock, then answers.
    private static func after(_ time: Duration, _ answer: Answer) -> TwoWorkers.Script {
        { _, clock in
            await clock.sleep(for: time)
            return answer
        }
    }

    private static func at(_ times: Lock<[Duration]>, _ answer: Answer) -> TwoWorkers.Script {
        { _, clock in
            times.withLock { $0.append(clock.now() - MonotonicTime(nanoseconds: 0)) }
            return answer
        }
    }

    /// A job that one calls for, and that two has as well.
    private func both(_ workers: TwoWorkers) async {
        workers.begin()
        workers.submit(to: workers.one)
        await workers.advance { workers.one.photos.calls.count == 1 }
        workers.submit(to: workers.two)
        await workers.pass(.milliseconds(10))
    }

    @Test(
        "a delivery whose job another calls for steps aside, and the ledger knows when it comes again, and nothing else"
    )
    func leased() async throws {
        let workers = try await TwoWorkers(
            albums: Self.after(.zero, .album(joined: true)), first: Self.after(.milliseconds(2_500), .ok))
        await both(workers)
        let row = try #require(try await workers.row())
        #expect(workers.two.stepsAside == [.leased] && Self.isCallUntil(row.callUntil) && row.hasOpenIntent)
        let copy = try #require(workers.two.broker.messages("retry.2s").first)
        let headers = JobHeaders(reading: copy.properties.headers)
        #expect((headers.copy, headers.attempts, headers.suspect, headers.isAmbiguous) == (0, 0, 0, false))
        let notBefore = try #require(headers.notBefore)
        #expect(notBefore > Self.callUntil && notBefore < Self.callUntil + .milliseconds(2_200))
        #expect(row.due == notBefore && row.attempts == 0 && row.copy == 0)
        await workers.pass(.milliseconds(2_200))
        #expect(workers.two.stepsAside == [.leased, .leased], "the queue is shorter than the rest")
        #expect(try await workers.row() == row)
        await workers.advance { workers.two.broker.count("results") == 1 }
        #expect(workers.one.results.map(\.isReplayed) == [false] && workers.one.results.first?.outcome == "left")
        #expect(workers.two.results == [.init(bytes: workers.one.results.first?.bytes ?? [], isReplayed: true)])
        #expect(workers.two.photos.calls.isEmpty && workers.two.photos.albumQueries.isEmpty)
        await workers.end()
    }

    @Test("a job whose copy is lost while it steps aside for a call that never ends it is reported lost in time")
    func lost() async throws {
        let workers = try await TwoWorkers(
            albums: Self.after(.zero, .album(joined: true)), first: Self.after(.seconds(3_000), .unavailable))
        await both(workers)
        let due = try #require(try await workers.row()?.due)
        workers.two.broker.purge("retry.2s")
        // Due for a quarter of an hour, and missed at two looks after that, a minute apart.
        let limit = (due - Harness.start) + .seconds(15 * 60 + 2 * 60 + 1)
        await workers.advance(for: limit) { workers.two.broker.count("results") == 1 }
        #expect(workers.two.results.map(\.reason) == ["job_lost"])
        #expect(workers.two.photos.calls.isEmpty && workers.two.photos.albumQueries.isEmpty)
        await workers.end()
    }

    @Test("a call that is not answered is taken over after its lease, and the album is asked before another")
    func takenOver() async throws {
        let (asked, called) = (Lock<[Duration]>([]), Lock<[Duration]>([]))
        let workers = try await TwoWorkers(
            albums: Self.at(asked, .album(joined: true)), first: Self.after(.seconds(20), .unavailable),
            second: Self.at(called, .ok))
        await both(workers)
        await workers.advance { workers.two.broker.count("results") == 1 }
        let (questions, calls) = (asked.withLock { $0 }, called.withLock { $0 })
        #expect(questions.count == 1 && calls.count == 1)
        let (question, call) = (try #require(questions.first), try #require(calls.first))
        #expect(question > .seconds(5) && call >= question)
        #expect(workers.two.results.first?.outcome == "left")
        #expect(try await workers.row()?.deaths == 0)
        // One comes back from its call: the job has ended, and there is one body of its result.
        await workers.advance { workers.one.broker.count("results") == 1 }
        #expect(workers.one.results == [.init(bytes: workers.two.results.first?.bytes ?? [], isReplayed: true)])
        #expect(workers.one.photos.calls.count == 1 && workers.one.photos.albumQueries.isEmpty)
        await workers.end()
    }

    @Test("what an overtaken worker heard is not written, and its delivery waits for what the other comes to")
    func fenced() async throws {
        let workers = try await TwoWorkers(
            albums: Self.after(.zero, .album(joined: true)), first: Self.after(.seconds(8), .unavailable),
            second: Self.after(.milliseconds(2_900), .ok))
        await both(workers)
        await workers.advance { workers.two.photos.calls.count == 1 }
        let row = try #require(try await workers.row())
        await workers.advance { workers.one.isFenced }
        // It looks again then, and steps aside.
        var after = try #require(try await workers.row())
        (after.due, after.revision) = (row.due, row.revision)
        #expect(after == row)
        await workers.advance { workers.one.broker.count("results") == 1 }
        #expect(workers.one.stepsAside.contains(.leased))
        #expect(workers.two.results.map(\.isReplayed) == [false] && workers.two.results.first?.outcome == "left")
        #expect(workers.one.results == [.init(bytes: workers.two.results.first?.bytes ?? [], isReplayed: true)])
        #expect(workers.one.photos.calls.count == 1 && workers.two.photos.calls.count == 1)
        #expect(try await workers.row()?.attempts == 0)
        await workers.end()
    }

    @Test("an overtaken worker that was told yes ends the job, and the other publishes its bytes")
    func proof() async throws {
        let workers = try await TwoWorkers(
            albums: Self.after(.milliseconds(2_900), .album(joined: false)), first: Self.after(.seconds(8), .ok))
        await both(workers)
        await workers.advance { workers.two.broker.count("results") == 1 }
        #expect(workers.one.results.map(\.isReplayed) == [false] && workers.one.results.first?.outcome == "left")
        #expect(workers.two.results == [.init(bytes: workers.one.results.first?.bytes ?? [], isReplayed: true)])
        #expect(workers.two.photos.albumQueries.count == 1 && workers.two.photos.calls.isEmpty)
        #expect(!workers.one.isFenced && !workers.two.isFenced)
        await workers.end()
    }

    @Test("an overtaken worker that only assumes that the user has left ends nothing")
    func assumed() async throws {
        let questions = Lock(0)
        let workers = try await TwoWorkers(
            .init(assumesLeft: true),
            albums: { _, clock in
                let isFirst = questions.withLock { count in
                    count += 1
                    return count == 1
                }
                guard isFirst else { return .album(joined: true) }
                await clock.sleep(for: .seconds(8))
                return .unknownToken
            }, first: Self.after(.zero, .ambiguous(detail: "reset")),
            // Not after whole seconds, as copies come out of their delay: one would look while two has only recorded.
            second: Self.after(.milliseconds(3_500), .ok))
        workers.begin()
        workers.submit(to: workers.one)
        await workers.advance { workers.one.photos.albumQueries.count == 1 }
        workers.submit(to: workers.two)
        await workers.advance { workers.two.photos.calls.count == 1 }
        await workers.advance { workers.one.isFenced }
        #expect(workers.one.isFenced)
        #expect(try await workers.row()?.isFinished == false)
        await workers.advance { workers.two.broker.count("results") == 1 }
        #expect(workers.two.results.map(\.isReplayed) == [false] && workers.two.results.first?.outcome == "left")
        await workers.advance { workers.one.broker.count("results") == 1 }
        #expect(workers.one.results == [.init(bytes: workers.two.results.first?.bytes ?? [], isReplayed: true)])
        await workers.end()
    }

    @Test("a worker waits out the lease of its own call that went unheard, and asks the album then")
    func unheard() async throws {
        let asked = Lock<[Duration]>([])
        let workers = try await TwoWorkers(albums: Self.at(asked, .album(joined: true))) { call, _ in
            call.earlier == 0 ? .ambiguous(detail: "reset") : .ok
        }
        workers.begin()
        workers.submit(to: workers.one)
        await workers.advance { workers.one.broker.count("results") == 1 }
        #expect(workers.one.results.first?.outcome == "left")
        let questions = asked.withLock { $0 }
        let question = try #require(questions.first)
        #expect(questions.count == 1 && question > .seconds(5))
        #expect(workers.one.photos.calls.count == 2)
        await workers.end()
    }

    @Test("an operator is told until when a job cannot be ended for another worker's call")
    func cancelled() async throws {
        let workers = try await TwoWorkers(
            albums: Self.after(.zero, .album(joined: true)), first: Self.after(.seconds(2), .ok))
        workers.begin()
        workers.submit(to: workers.one)
        await workers.advance { workers.one.photos.calls.count == 1 }
        guard case .leased(let until) = try await workers.two.pipeline.cancelForGood(TwoWorkers.id, by: "me") else {
            Issue.record("another worker calls")
            return
        }
        #expect(Self.isCallUntil(until))
        // The one that calls awaits its answer, which stands.
        async let word = workers.one.pipeline.cancelForGood(TwoWorkers.id, by: "me")
        await workers.advance { workers.one.broker.count("results") == 1 }
        guard case .ended(let result, true) = try await word else {
            Issue.record("it has ended")
            return
        }
        #expect(result.outcome == .left)
        await workers.end()
    }
}
