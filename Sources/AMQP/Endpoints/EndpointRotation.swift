import Clocks
import Concurrency

/// Which endpoint is next, and after what wait: all are tried once before anyone waits, and the waits grow by rounds.
struct EndpointRotation {
    private let endpoints: [Endpoint]
    private var next = 0
    private var failuresInRound = 0
    private var backoff: Backoff

    /// A broker that restarts is back in ten seconds or so: waits stay short enough to be there soon after.
    static let longestWait = Duration.seconds(5)

    init(_ endpoints: [Endpoint], backoff: Backoff = Backoff(first: .milliseconds(500), longest: longestWait)) {
        self.endpoints = endpoints
        self.backoff = backoff
    }

    var current: Endpoint { endpoints[next] }

    /// The current endpoint failed. How long to wait before the next one.
    mutating func failed(random: Double = .random(in: 0..<1)) -> Duration {
        next = (next + 1) % endpoints.count
        failuresInRound += 1
        guard failuresInRound >= endpoints.count else { return .zero }
        failuresInRound = 0
        return backoff.next(random: random)
    }

    /// The current endpoint proved itself.
    mutating func succeeded() {
        failuresInRound = 0
        backoff.reset()
    }
}
