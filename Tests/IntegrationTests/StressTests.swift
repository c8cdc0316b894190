import Concurrency
import Foundation
import PrivateBroker
import Testing

extension OnABroker {
    /// SIGTERM at any moment of a start.
    @Suite struct Stress {
        @Test(.timeLimit(.minutes(30))) func aStopAtAnyMomentOfTheStartIsOrderly() async throws {
            let rounds = ProcessInfo.processInfo.environment["LEAVE_ALBUMD_STRESS"].flatMap(Int.init) ?? 10
            let harness = try await DaemonHarness(accounts: 5)
            do {
                var random = SeededRandom(seed: 6)
                for round in 0..<rounds {
                    let moment = Duration.microseconds(Int64.random(in: 0...300_000, using: &random))
                    try await harness.start()
                    try await Task.sleep(for: moment)
                    await harness.daemon?.signal(SIGTERM)
                    let ending = await harness.daemon?.wait()
                    // Before the program has said what it does with the signal, the kernel's own answer holds.
                    let log = await harness.log
                    let isEarly = ending == .signalled(SIGTERM) && log.isEmpty
                    #expect(ending == .exited(0) || isEarly, "round \(round), after \(moment): \(log)")
                    let socket = harness.directory.file("control.sock").path
                    #expect(!FileManager.default.fileExists(atPath: socket), "round \(round): the socket is left")
                }
                // Neither lock nor queue is left to anybody: the next one consumes.
                try await harness.start()
                try await harness.waitUntilConsuming()
                try await harness.stopInOrder()
            } catch {
                await harness.end()
                throw error
            }
            await harness.end()
        }
    }
}
