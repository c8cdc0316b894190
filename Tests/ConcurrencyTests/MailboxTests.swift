import Concurrency
import Glibc
import Testing

@Suite struct MailboxTests {
    @Test func everyMessageArrivesOnceAndInOrderPerPoster() throws {
        let mailbox = try Mailbox<(poster: Int, number: Int)>()
        let received = Lock<[[Int]]>(Array(repeating: [], count: 4))
        let owner = try NativeThread(name: "owner") {
            var open = 4
            while open > 0 {
                for message in mailbox.takeAll() {
                    if message.number < 0 {
                        open -= 1
                    } else {
                        received.withLock { $0[message.poster].append(message.number) }
                    }
                }
            }
        }
        let posters = try (0..<4).map { poster in
            try NativeThread(name: "poster") {
                for number in 0..<5_000 { mailbox.post((poster, number)) }
                mailbox.post((poster, -1))
            }
        }
        posters.forEach { $0.join() }
        owner.join()
        let expected = Array(0..<5_000)
        received.withLock { #expect($0.allSatisfy { $0 == expected }) }
    }

    @Test func aClosedMailboxRefusesAndReturnsWhatNobodyTook() throws {
        let mailbox = try Mailbox<Int>()
        #expect(mailbox.post(1))
        #expect(mailbox.close() == [1])
        #expect(!mailbox.post(2))
        #expect(mailbox.takeAll().isEmpty)
    }

    /// An owner that sleeps only when it may, and a poster that waits for each answer: a lost wake would stop both.
    @Test(.timeLimit(.minutes(30))) func noPostIsSleptThrough() throws {
        let there = try Mailbox<Int>()
        let back = try Mailbox<Int>()
        let rounds = 5_000
        let owner = try NativeThread(name: "owner") {
            var last = 0
            while last < rounds {
                there.drain {
                    last = $0
                    back.post($0)
                }
                if last < rounds { sleep(until: there.descriptor) }
            }
        }
        var answered = 0
        for number in 1...rounds {
            there.post(number)
            while answered < number {
                back.drain { answered = $0 }
                if answered < number { sleep(until: back.descriptor) }
            }
        }
        owner.join()
        #expect(answered == rounds)
    }
}

private func sleep(until descriptor: Int32) {
    var readable = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = poll(&readable, 1, -1)
}
