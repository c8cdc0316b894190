import Clocks
import Concurrency
import Jobs
import Ledger
import Photos
import PipelineHarness
import Testing

@testable import Pipeline

/// What an account may call, where two workers share that. A lease is five seconds long.
@Suite(.timeLimit(.minutes(30))) struct AccountSlotPathTests {
    /// The calls of both workers, by account.
    private final class Calls: Sendable {
        struct Account {
            var running = 0
            var mostAtOnce = 0
            var began: [Duration] = []
        }

        private let accounts = Lock<[String: Account]>([:])

        subscript(account: String) -> Account { accounts.withLock { $0[account] ?? Account() } }

        /// A script whose calls take so long, and are answered so.
        func script(taking time: Duration, _ answer: @escaping @Sendable (Int) -> Answer) -> TwoWorkers.Script {
            { [self] call, clock in
                let number = accounts.withLock { accounts in
                    var account = accounts[call.bearer] ?? Account()
                    account.running += 1
                    account.mostAtOnce = max(account.mostAtOnce, account.running)
                    account.began.append(clock.now() - MonotonicTime(nanoseconds: 0))
                    accounts[call.bearer] = account
                    return account.began.count
                }
                await clock.sleep(for: time)
                accounts.withLock { $0[call.bearer]?.running -= 1 }
                return answer(number)
            }
        }
    }

    private static let notAsked: TwoWorkers.Script = { _, _ in .album(joined: true) }

    private func workers(
        _ calls: Calls, _ options: TwoWorkers.Options = .init(), taking time: Duration,
        _ answer: @escaping @Sendable (Int) -> Answer = { _ in .ok }
    ) async throws -> TwoWorkers {
        let script = calls.script(taking: time, answer)
        return try await TwoWorkers(options, albums: Self.notAsked, first: script, second: script)
    }

    @Test("of an account that may have one call at a time no two overlap, whoever makes them", arguments: [1, 2])
    func oneAtATime(perAccount: Int) async throws {
        let calls = Calls()
        let workers = try await workers(
            calls, .init(concurrency: 4, perAccount: perAccount), taking: .milliseconds(300))
        workers.begin()
        for number in 0..<6 {
            workers.submit("a\(number)", to: workers.one)
            workers.submit("b\(number)", to: workers.two)
        }
        let isDone = await workers.advance(for: .seconds(15)) {
            workers.one.broker.count("results") + workers.two.broker.count("results") == 12
        }
        #expect(isDone && calls["ann"].mostAtOnce == perAccount && calls["ann"].began.count == 12)
        #expect(workers.one.photos.calls.count == 6 && workers.two.photos.calls.count == 6)
        #expect(workers.one.stepsAside.isEmpty && workers.two.stepsAside.isEmpty)
        for id in (0..<6).flatMap({ ["a\($0)", "b\($0)"] }) {
            #expect(try await workers.row(JobID(id))?.attempts == 0, "waiting costs none")
        }
        await workers.pass(.milliseconds(10))
        #expect(try await workers.slots(of: AccountID("ann")).allSatisfy { $0.busyFence == nil })
        await workers.end()
    }

    @Test("a job whose account calls elsewhere waits without a worker, and others' jobs take no longer")
    func othersGoOn() async throws {
        let alone = try await timeOfOthers(besides: 0)
        #expect(try await timeOfOthers(besides: 4) == alone && alone > .zero)
    }

    /// What four jobs of others take at one worker, beside so many of an account that the other worker calls for.
    private func timeOfOthers(besides count: Int) async throws -> Duration {
        let calls = Calls()
        let workers = try await workers(calls, taking: .milliseconds(400))
        workers.begin()
        for number in 0..<8 { workers.submit("a\(number)", to: workers.one) }
        await workers.advance { calls["ann"].began.count == 1 }
        for number in 0..<count { workers.submit("b\(number)", to: workers.two) }
        await workers.pass(.milliseconds(10))
        #expect(workers.two.pipeline.snapshot.callsInFlight == 0 && workers.two.pipeline.snapshot.inFlight == count)
        let began = workers.clock.now()
        for number in 0..<4 { workers.submit("c\(number)", account: "bob\(number)", to: workers.two) }
        await workers.advance(for: .seconds(3)) {
            (0..<4).allSatisfy { workers.two.ended.contains("c\($0)") }
        }
        let time = workers.clock.now() - began
        await workers.advance { workers.two.broker.count("results") == count + 4 }
        #expect(calls["ann"].mostAtOnce == 1 && workers.two.photos.calls.count == count + 4)
        await workers.end()
        return time
    }

    @Test("a call that went unheard keeps its slot until it can be on its way no more, and a question takes none")
    func unheard() async throws {
        let calls = Calls()
        let workers = try await workers(calls, taking: .milliseconds(100)) {
            $0 == 1 ? .ambiguous(detail: "reset") : .ok
        }
        workers.begin()
        workers.submit("a", to: workers.one)
        await workers.pass(.milliseconds(110))
        #expect(try await workers.row(JobID("a"))?.hasOpenIntent == false)
        workers.submit("b", to: workers.two)
        await workers.pass(.milliseconds(4_400))
        #expect(calls["ann"].began.count == 1)
        await workers.advance {
            workers.one.broker.count("results") == 1 && workers.two.broker.count("results") == 1
        }
        let began = calls["ann"].began
        #expect(began.count == 3 && began.dropFirst().allSatisfy { $0 > .seconds(5) }, "\(began)")
        #expect(calls["ann"].mostAtOnce == 1 && workers.one.photos.albumQueries.count == 1)
        await workers.end()
    }

    @Test("an account that the API refuses for its rate is left alone by both, and both say so")
    func refused() async throws {
        let calls = Calls()
        let workers = try await workers(calls, taking: .milliseconds(100)) { number in
            number <= 2
                ? .error(429, "RESOURCE_EXHAUSTED", "Quota exceeded: writes per minute per user") : .ok
        }
        workers.begin()
        workers.submit("a", to: workers.one)
        await workers.advance { !workers.one.pipeline.accountHolds.isEmpty }
        #expect(try await workers.slots(of: AccountID("ann")).first?.waitUntil != nil)
        workers.submit("b", to: workers.two)
        await workers.pass(.seconds(1))
        for worker in [workers.one, workers.two] {
            let hold = try #require(worker.pipeline.accountHolds.first)
            #expect(hold.cause == "quota_minute" && hold.until == Harness.start + .milliseconds(30_100))
        }
        await workers.advance {
            workers.one.broker.count("results") == 1 && workers.two.broker.count("results") == 1
        }
        let began = calls["ann"].began
        try #require(began.count == 4)
        #expect(began[1] - began[0] >= .seconds(30) && began[1] - began[0] < .seconds(31))
        #expect(began[2] - began[1] >= .seconds(60) && began[2] - began[1] < .seconds(61), "whoever was refused")
        #expect(try await workers.slots(of: AccountID("ann")).first?.step == 0, "it has succeeded")
        await workers.end()
    }

    @Test("two workers keep to one rate")
    func rate() async throws {
        let calls = Calls()
        let workers = try await workers(calls, .init(perMinute: 4), taking: .milliseconds(10))
        workers.begin()
        for number in 0..<4 {
            workers.submit("a\(number)", to: workers.one)
            workers.submit("b\(number)", to: workers.two)
        }
        await workers.advance(for: .seconds(300)) { calls["ann"].began.count == 8 }
        let began = calls["ann"].began
        try #require(began.count == 8)
        for (first, fifth) in zip(began, began.dropFirst(4)) { #expect(fifth - first >= .seconds(61)) }
        #expect(began[7] < .seconds(125), "\(began)")
        await workers.end()
    }
}
