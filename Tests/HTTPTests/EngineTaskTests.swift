import Concurrency
import Glibc
import HTTP
import ScriptedPeer
import Testing

/// Tasks that ask for exchanges, on the engine's own thread.
@Suite(.timeLimit(.minutes(30))) struct EngineTaskTests {
    private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    private static let answering: RawPeer.Script = { connection in
        while true {
            _ = try connection.readRequest()
            try connection.write(answer)
        }
    }

    @Test func anAnswerComesToThemWithoutAChangeOfThread() async throws {
        try await RawPeer.serving(Self.answering) { peer in
            try await withEngine { engine in
                let threads = try await withTaskExecutorPreference(engine.executor) {
                    try await withThrowingTaskGroup(of: Set<pthread_t>.self) { group in
                        for _ in 0..<20 {
                            group.addTask {
                                var threads = [currentThread()]
                                for _ in 0..<5 {
                                    try await engine.succeed(post(peer))
                                    threads.append(currentThread())
                                }
                                return Set(threads)
                            }
                        }
                        return try await group.reduce(into: Set()) { $0.formUnion($1) }
                    }
                }
                #expect(threads.count == 1 && !threads.contains(currentThread()))
            }
        }
    }

    @Test func tasksThatAreAlwaysReadyKeepNoExchangeFromItsEnd() async throws {
        try await RawPeer.serving(Self.answering) { peer in
            try await withEngine { engine in
                let isAnswered = Lock(false)
                let busy = (0..<3).map { _ in
                    Task(executorPreference: engine.executor) {
                        while !isAnswered.withLock({ $0 }) { await Task.yield() }
                    }
                }
                for _ in 0..<20 { try await engine.succeed(post(peer)) }
                isAnswered.withLock { $0 = true }
                for task in busy { await task.value }
            }
        }
    }

    @Test func anAbandonedEngineEndsWhatIsInFlightAndTasksGoOn() async throws {
        try await withSilentPeer { peer, arrived in
            try await withEngine { engine in
                let task = Task(executorPreference: engine.executor) {
                    let sent = await engine.send(post(peer))
                    // It goes on with what it makes of that, and is not given another.
                    return (sent, await engine.send(post(peer)))
                }
                await arrived.fired()
                engine.abandon()
                let (sent, next) = await task.value
                let faults = (try sent.ambiguousFault, try next.notSentFault)
                #expect(faults.0.kind == .stopped)
                #expect(faults.1.kind == .stopped)
                let later = await Task(executorPreference: engine.executor) { 1 }.value
                #expect(later == 1)
                await withCheckedContinuation { reply in engine.ping { reply.resume() } }
                #expect(peer.received.count(of: leaveBody) == 1)
            }
        }
    }
}

private func currentThread() -> pthread_t { pthread_self() }
