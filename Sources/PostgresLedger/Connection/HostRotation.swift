import Clocks
import Concurrency

/// Which host is next, and after what wait: all are tried once before anyone waits. A failover takes seconds, so for a
/// minute waits stay below one; then they grow, so that a database that is gone is not knocked at for hours.
struct HostRotation {
    private let hosts: [PostgresHost]
    private var next = 0
    private var failuresInRound = 0
    private var failingSince: MonotonicTime?
    private var early = Backoff(first: .milliseconds(200), longest: .seconds(1))
    private var late = Backoff(first: .seconds(1), longest: .seconds(10))

    static let earlyTime = Duration.seconds(60)

    init(_ hosts: [PostgresHost]) {
        precondition(!hosts.isEmpty, "a URL has a host")
        self.hosts = hosts
    }

    var current: PostgresHost { hosts[next] }

    /// The current host failed. How long to wait before the next one.
    mutating func fail(at now: MonotonicTime, random: Double = .random(in: 0..<1)) -> Duration {
        next = (next + 1) % hosts.count
        failuresInRound += 1
        let since = failingSince ?? now
        failingSince = since
        guard failuresInRound >= hosts.count else { return .zero }
        failuresInRound = 0
        return now - since < Self.earlyTime ? early.next(random: random) : late.next(random: random)
    }

    /// The current host proved itself, and is the first to be tried again.
    mutating func succeed() {
        failuresInRound = 0
        failingSince = nil
        early.reset()
        late.reset()
    }
}
