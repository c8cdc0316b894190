import Clocks
import Concurrency
import Testing

@Suite(.timeLimit(.minutes(30))) struct AsyncSignalTests {
    private let clock = SystemTimeSource()

    @Test func aSignalIsKeptForWhoComesLater() async {
        let signal = AsyncSignal()
        #expect(!signal.isSignalled)
        signal.signal()
        #expect(signal.isSignalled)
        #expect(await signal.wait())
        #expect(await signal.wait(), "and for the next")
    }

    @Test func aWaitForTheSecondIsNotEndedByTheFirst() async {
        let signal = AsyncSignal()
        let seen = Lock<[Int]>([])
        async let second: Void = {
            await signal.wait(for: 2)
            seen.withLock { $0.append(signal.count) }
        }()
        async let first: Void = {
            await signal.wait()
            signal.signal()
        }()
        signal.signal()
        _ = await (first, second)
        #expect(seen.withLock { $0 } == [2])
    }

    @Test func everyWaiterIsWoken() async {
        let signal = AsyncSignal()
        let woken = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 { group.addTask { await signal.wait() } }
            signal.signal()
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(woken == 100)
    }

    /// Two tasks that wake each other: a signal that fell between a look and the wait after it would stop both.
    @Test func noSignalIsLostBetweenTwoWaits() async {
        let (there, back) = (AsyncSignal(), AsyncSignal())
        let rounds = 2_000
        let answering = Task {
            for round in 1...rounds {
                await there.wait(for: round)
                back.signal()
            }
        }
        for round in 1...rounds {
            there.signal()
            await back.wait(for: round)
        }
        await answering.value
        #expect(there.count == rounds && back.count == rounds)
    }

    @Test func signalsBetweenTwoLooksAreOne() async {
        let signal = AsyncSignal()
        for _ in 0..<3 { signal.signal() }
        await signal.wait()
        let seen = signal.count
        #expect(await !signal.wait(for: seen + 1, until: clock.now(), by: clock))
        signal.signal()
        #expect(await signal.wait(for: seen + 1))
    }

    @Test func aCancelledWaitSaysSo() async {
        let signal = AsyncSignal()
        let before = Task {
            while !Task.isCancelled { await Task.yield() }
            return await signal.wait()
        }
        before.cancel()
        #expect(await before.value == false)
        // At any moment of the wait.
        for delay in 0..<200 {
            let waiting = Task { await signal.wait() }
            for _ in 0..<delay % 10 { await Task.yield() }
            waiting.cancel()
            #expect(await waiting.value == false)
        }
        signal.signal()
        let after = Task {
            while !Task.isCancelled { await Task.yield() }
            return await signal.wait()
        }
        after.cancel()
        #expect(await after.value, "what has come has come")
    }

    @Test func aWaitEndsAtItsTimeOrAtTheSignal() async {
        let signal = AsyncSignal()
        let start = clock.now()
        #expect(await !signal.wait(until: start + .milliseconds(20), by: clock))
        #expect(clock.now() >= start + .milliseconds(20))
        // An hour is not waited for.
        let waiting = Task { await signal.wait(until: start + .seconds(3_600), by: clock) }
        signal.signal()
        #expect(await waiting.value)
        let cancelled = Task { await signal.wait(for: 2, until: start + .seconds(3_600), by: clock) }
        cancelled.cancel()
        #expect(await !cancelled.value)
    }
}
