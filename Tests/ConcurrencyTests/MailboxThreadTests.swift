import Clocks
import Concurrency
import Glibc
import Testing

@Suite(.timeLimit(.minutes(30))) struct MailboxThreadTests {
    /// Takes numbers until it is told to stop, and answers each.
    private func makeThread(_ taken: Lock<[Int]>) throws -> MailboxThread<Int> {
        try MailboxThread(name: "numbers") { mailbox in
            while !mailbox.isStopping {
                mailbox.drain { number in taken.withLock { $0.append(number) } }
                mailbox.wait()
            }
        }
    }

    @Test func whatIsPostedBeforeTheStopIsTaken() throws {
        for count in 0..<200 {
            let taken = Lock<[Int]>([])
            let thread = try makeThread(taken)
            for number in 0..<count { #expect(thread.post(number)) }
            thread.stop()
            #expect(taken.withLock { $0 } == Array(0..<count))
            #expect(!thread.post(count), "it is refused after the end")
        }
    }

    @Test func aPingComesBackAfterWhatWasPostedBefore() async throws {
        let taken = Lock<[Int]>([])
        let thread = try makeThread(taken)
        for number in 1...1_000 {
            thread.post(number)
            await withCheckedContinuation { done in thread.ping { done.resume() } }
            #expect(taken.withLock { $0.last } == number)
        }
        await stopped(thread)
        await withCheckedContinuation { done in thread.ping { done.resume() } }
    }

    /// Answered when it comes for more, and not when it takes the batch with the ping in it.
    @Test func aPingWaitsForTheBatchItCameWith() throws {
        let events = Lock<[String]>([])
        let mayTake = try Wake()
        let thread = try MailboxThread<Int>(name: "numbers") { mailbox in
            block(on: mayTake.descriptor)
            for number in mailbox.takeAll() { events.withLock { $0.append("took \(number)") } }
            _ = mailbox.takeAll()
            events.withLock { $0.append("came again") }
        }
        thread.ping { events.withLock { $0.append("answered") } }
        thread.post(1)
        mayTake.signal()
        thread.join()
        #expect(events.withLock { $0 } == ["took 1", "answered", "came again"])
    }

    /// Whatever it took before: only an empty answer says that it may poll for itself.
    @Test func whatIsPostedWakesAnOwnerThatWaitsAfterItTookSomething() throws {
        let taken = try Wake()
        let thread = try MailboxThread<Int>(name: "numbers") { mailbox in
            var count = 0
            while count < 2 {
                count += mailbox.takeAll().count
                if count == 1 { taken.signal() }
                if count < 2 { mailbox.wait() }
            }
        }
        thread.post(1)
        block(on: taken.descriptor)
        thread.post(2)
        thread.join()
    }

    @Test func pingsOfAThreadThatEndsAreAnsweredAndItsMessagesReturned() throws {
        let mayEnd = try Wake()
        let left = Lock<[Int]>([])
        let answers = Lock(0)
        let thread = try MailboxThread<Int>(name: "numbers") { mailbox in
            block(on: mayEnd.descriptor)
            let rest = mailbox.close()
            left.withLock { $0 = rest }
            #expect(mailbox.close() == [])
        }
        thread.post(1)
        thread.ping { answers.withLock { $0 += 1 } }
        thread.post(2)
        mayEnd.signal()
        thread.join()
        thread.ping { answers.withLock { $0 += 1 } }
        #expect(left.withLock { $0 } == [1, 2])
        #expect(answers.withLock { $0 } == 2)
    }

    @Test func bothWhoStopItReturnWhenTheThreadHasEnded() async throws {
        let isOver = Lock(false)
        let thread = try MailboxThread<Int>(name: "slow") { mailbox in
            while !mailbox.isStopping {
                _ = mailbox.takeAll()
                mailbox.wait()
            }
            usleep(20_000)
            isOver.withLock { $0 = true }
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    await stopped(thread)
                    #expect(isOver.withLock { $0 })
                }
            }
        }
    }

    @Test func itWakesForADescriptorToo() throws {
        let outside = try Wake()
        let wakes = Lock(0)
        let thread = try MailboxThread<Int>(name: "watching") { mailbox in
            while !mailbox.isStopping {
                _ = mailbox.takeAll()
                // Negative ones are passed over.
                mailbox.wait(atMost: .seconds(3_600), alsoReadable: [-1, outside.descriptor])
                outside.clear()
                wakes.withLock { $0 += 1 }
            }
        }
        outside.signal()
        while wakes.withLock({ $0 }) == 0 { sched_yield() }
        thread.stop()
    }

    @Test func whatTheOwnerBeginsIsPostedToIt() throws {
        let answers = Lock<[Int]>([])
        let thread = try MailboxThread<Int>(name: "asking") { mailbox in
            let post = mailbox.post
            let asked = try? NativeThread(name: "answering") { post(7) }
            while answers.withLock({ $0.isEmpty }) {
                mailbox.drain { number in answers.withLock { $0.append(number) } }
                if answers.withLock({ $0.isEmpty }) { mailbox.wait() }
            }
            asked?.join()
        }
        thread.join()
        #expect(answers.withLock { $0 } == [7])
    }

    @Test func aPreparationThatFailsIsTheErrorOfTheInit() {
        let error = SystemCallError("watching it", code: ENOSPC)
        #expect(throws: error) {
            _ = try MailboxThread<Int>(
                name: "never", preparing: { _ throws(SystemCallError) in throw error },
                { _ in Issue.record("it was started") })
        }
    }

    @Test func aTimeoutIsRoundedUpAndWhatIsPastDoesNotWait() {
        #expect(Duration.milliseconds(10).pollTimeout == 11)
        #expect(Duration.nanoseconds(1).pollTimeout == 1)
        #expect(Duration.zero.pollTimeout == 0)
        #expect(Duration.seconds(-5).pollTimeout == 0)
        #expect(Duration.seconds(1 << 40).pollTimeout == .max)
    }
}

private func block(on descriptor: Int32) {
    var readable = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = poll(&readable, 1, -1)
}

private func stopped(_ service: any RunningService) async {
    await NativeThread.offload("stop") { service.stop() }
}
