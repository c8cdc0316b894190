package import Clocks

/// Which loops gave their token back: a value, so that its rules read as a transcript in the tests.
///
/// Each loop has one token at a time. It is posted to the loop as ordinary work; only a loop that comes round can give
/// it back. An idle loop does that at once, a stuck one never.
package struct LivenessRound: Sendable {
    /// A loop that keeps its token.
    package struct Silence: Equatable, Sendable {
        package var loop: String
        package var lasting: Duration

        package init(loop: String, lasting: Duration) {
            self.loop = loop
            self.lasting = lasting
        }
    }

    private struct Loop: Sendable {
        var postedAt: MonotonicTime?
        var answeredAt: MonotonicTime
    }

    private var names: [String] = []
    private var loops: [String: Loop] = [:]

    package init() {}

    package mutating func add(_ name: String, at now: MonotonicTime) {
        if loops[name] == nil { names.append(name) }
        loops[name] = Loop(postedAt: nil, answeredAt: now)
    }

    /// The loops that have no token get one now.
    package mutating func post(at now: MonotonicTime) -> [String] {
        let free = names.filter { loops[$0]?.postedAt == nil }
        for name in free { loops[name]?.postedAt = now }
        return free
    }

    package mutating func answered(_ name: String, at now: MonotonicTime) {
        loops[name]?.postedAt = nil
        loops[name]?.answeredAt = now
    }

    /// The loops that have had their token for `timeout` or longer, in the order they were added.
    package func silences(longerThan timeout: Duration, at now: MonotonicTime) -> [Silence] {
        names.compactMap { name in
            guard let posted = loops[name]?.postedAt, now - posted >= timeout else { return nil }
            return Silence(loop: name, lasting: now - posted)
        }
    }

    /// How long ago each loop came round, as far as its tokens tell.
    package func readings(at now: MonotonicTime) -> [(name: String, answeredAgo: Duration)] {
        names.compactMap { name in loops[name].map { (name, now - $0.answeredAt) } }
    }
}
