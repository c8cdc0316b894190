import Clocks
import Concurrency
import Glibc
import Testing

/// Starting and stopping at any moment, again and again. `LEAVE_ALBUMD_STRESS` is how often; a few times in CI.
@Suite(.serialized) struct Stress {
    static let rounds = getenv("LEAVE_ALBUMD_STRESS").flatMap { Int(String(cString: $0)) } ?? 20

    /// Entries of a folder of this process: descriptors or threads.
    static func count(_ folder: String) -> Int {
        guard let directory = opendir("/proc/self/\(folder)") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return count
    }

    struct Left: Error {
        let what: String
        let before: Int
        let after: Int
    }

    /// Runs `round` so often, and expects that neither descriptors nor threads are left. Each round gets a random
    /// moment; the seed is fixed, the scheduler is not.
    static func rounds(_ round: (_ moment: Duration) async throws -> Void) async throws {
        var random = SeededRandom(seed: 6)
        // What a first use opens for good.
        try await round(.zero)
        let (descriptors, threads) = (count("fd"), count("task"))
        for _ in 0..<rounds { try await round(.microseconds(Int64.random(in: 0...3_000, using: &random))) }
        // Other suites may run beside this one: one that is left by each round is what is looked for.
        try await settles("descriptors", before: descriptors) { count("fd") }
        try await settles("threads", before: threads) { count("task") }
    }

    private static func settles(_ what: String, before: Int, _ now: () -> Int) async throws {
        let deadline = SystemTimeSource().now() + .seconds(240)
        while now() > before + max(2, rounds / 2) {
            guard SystemTimeSource().now() < deadline else { throw Left(what: what, before: before, after: now()) }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// What waits for a thread is for threads. Two of them, because a service may be stopped from two sides.
    static func twice(_ stop: @escaping @Sendable () -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
                        do {
                            _ = try NativeThread(name: "stop", detached: true) {
                                stop()
                                done.resume()
                            }
                        } catch {
                            done.resume(throwing: error)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
