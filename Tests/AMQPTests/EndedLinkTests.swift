import Concurrency
import Glibc
import Testing

@testable import AMQP

/// A link that does not reconnect ends by itself, and whoever stops it then waits for its thread all the same.
@Suite struct EndedLinkTests {
    private let refused = configuration(1) { $0.reconnects = false }

    /// `start` makes a link that calls back as the last thing, and gives what stops it.
    private func isWaitedFor(
        _ start: (_ whenStopped: @escaping @Sendable () -> Void) throws -> @Sendable () -> Void
    ) async throws -> Bool {
        let (ends, end) = AsyncStream<Void>.makeStream()
        let isOver = Lock(false)
        let stop = try start {
            end.finish()
            // Time in which a stop that did not wait would have returned.
            usleep(100_000)
            isOver.withLock { $0 = true }
        }
        for await _ in ends {}
        await stopped(stop)
        return isOver.withLock { $0 }
    }

    @Test func ofAConsumingLink() async throws {
        #expect(
            try await isWaitedFor { whenStopped in
                let link = try ConsumingLink(refused) { if case .stopped = $0 { whenStopped() } }
                return { link.stop() }
            })
    }

    @Test func ofAPublishingLink() async throws {
        #expect(
            try await isWaitedFor { whenStopped in
                let link = try PublishingLink(refused) { if case .stopped = $0 { whenStopped() } }
                return { link.stop() }
            })
    }
}
