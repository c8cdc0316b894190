extension DaemonSettings {
    /// `[broker]`
    package struct Broker: Equatable, Sendable {
        /// Tried in turn. At least one in loaded settings.
        package var uris: [BrokerURI] = []
        /// Goes before the URIs' user. With neither, and no client certificate, it is the broker's `guest`.
        package var username: String?
        /// Goes before the URIs' password.
        package var passwordFile: SecretFile?
        /// Whole seconds, never zero. Ten: a dead peer is known, and its exclusive queue free, within half a minute.
        package var heartbeat: Duration = .seconds(10)
        /// What the names of all exchanges and queues begin with.
        package var prefix = "leave-album"
        package var topology = Topology.declare
        /// Unacknowledged deliveries of each lane. Nil: see `DaemonSettings.prefetch`.
        package var prefetch: Int?
        /// A publish that is not confirmed by then counts as lost with its link. Half a minute: a quorum queue elects
        /// a leader well within it, and a delivery that waits for it is settled long before the broker's timeout.
        package var confirmTimeout: Duration = .seconds(30)
        /// Names of reply-to queues that may get a copy of a result: exact, or a prefix that ends in `*`.
        package var replyToAllow: [String] = []
        package var tls = TLS()
        package var `operator` = Operator()
    }

    /// What the daemon does about exchanges and queues when it connects.
    package enum Topology: String, CaseIterable, Sendable {
        case declare
        case verify
        case none
    }

    /// `[broker.tls]`
    package struct TLS: Equatable, Sendable {
        /// PEM. Nil: the system's bundle.
        package var caFile: SecretFile?
        /// The client's certificate and key, PEM, not encrypted: both or neither.
        package var certFile: SecretFile?
        package var keyFile: SecretFile?
    }

    /// `[broker.operator]`: whom the operator's commands log in as. Both or neither; without it they are the daemon's.
    package struct Operator: Equatable, Sendable {
        package var username: String?
        package var passwordFile: SecretFile?
    }
}

extension DaemonSettings {
    /// How many lanes' worth of deliveries per call in flight: one is being called and one waits, so that no worker
    /// idles for a round trip to the broker.
    static let prefetchPerCall = 2
    /// With few workers still enough deliveries that another account's job is at hand while one account must wait.
    static let leastDefaultPrefetch = 16

    /// Unacknowledged deliveries of each lane: `broker.prefetch`, or else twice `worker.concurrency` and at least 16.
    package var prefetch: Int {
        broker.prefetch
            ?? min(
                max(worker.concurrency * Self.prefetchPerCall, Self.leastDefaultPrefetch),
                SettingRange.prefetch.upperBound)
    }
}

extension SettingRange {
    /// Rotation over more would take longer than an outage.
    static let uris = 1...16
    /// Below two seconds a busy machine loses healthy links; above a minute a dead broker goes unseen too long.
    static let heartbeat: ClosedRange<Duration> = .seconds(2) ... .seconds(60)
    /// A quorum queue's browsing and consuming stop at 2,000 deliveries in flight.
    static let prefetch = 1...2_000
    /// A delivery must be settled within two minutes, its confirm included.
    static let confirmTimeout: ClosedRange<Duration> = .seconds(1) ... .seconds(90)
    static let replyToPatterns = 0...64
}
