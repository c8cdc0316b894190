import Concurrency
import Glibc
import Testing

/// Tasks on the thread of a mailbox.
@Suite struct ThreadTaskTests {
    /// A thread that does nothing but what its tasks do.
    private func makeThread() throws -> MailboxThread<Never> {
        try MailboxThread(name: "tasks") { mailbox in
            while !mailbox.isStopping {
                mailbox.drain { _ in }
                mailbox.wait()
            }
        }
    }

    @Test func itsTasksRunOnItsOneThreadAlsoAfterTheyWereResumed() async throws {
        let executor = try makeThread()
        let names = await withTaskExecutorPreference(executor) {
            await withTaskGroup(of: [String].self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        let before = currentThreadName()
                        await withCheckedContinuation { waiting in
                            Task.detached { waiting.resume() }
                        }
                        return [before, currentThreadName()]
                    }
                }
                return await group.reduce(into: Set<String>()) { $0.formUnion($1) }
            }
        }
        #expect(names == ["tasks"])
        await NativeThread.offload("stop") { executor.stop() }
    }

    @Test func whatIsReadyStillRunsWhenItStops() async throws {
        let executor = try makeThread()
        let counted = Lock(0)
        let tasks = (0..<100).map { _ in
            Task(executorPreference: executor) { counted.withLock { $0 += 1 } }
        }
        await NativeThread.offload("stop") { executor.stop() }
        #expect(counted.withLock { $0 } == 100)
        for task in tasks { await task.value }
    }

    @Test func aResumptionFromAnotherThreadIsNeverLost() async throws {
        let executor = try makeThread()
        let mailbox = try Mailbox<CheckedContinuation<Int, Never>>()
        let answering = try NativeThread(name: "answers") {
            var left = 10_000
            while left > 0 {
                mailbox.drain {
                    $0.resume(returning: 1)
                    left -= 1
                }
                guard left > 0 else { return }
                var descriptor = pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0)
                poll(&descriptor, 1, -1)
            }
        }
        let sum = await withTaskExecutorPreference(executor) {
            await withTaskGroup(of: Int.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        var sum = 0
                        for _ in 0..<1_000 { sum += await withCheckedContinuation { _ = mailbox.post($0) } }
                        return sum
                    }
                }
                return await group.reduce(0, +)
            }
        }
        #expect(sum == 10_000)
        await NativeThread.offload("stop") {
            answering.join()
            executor.stop()
        }
    }
}

private func currentThreadName() -> String {
    guard let file = fopen("/proc/thread-self/comm", "r") else { return "unknown" }
    defer { fclose(file) }
    var line = [UInt8](repeating: 0, count: 32)
    let count = fread(&line, 1, line.count, file)
    return String(decoding: line.prefix(count).filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
}
