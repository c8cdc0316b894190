import Threads

/// Numbers of a link, for metrics.
public struct LinkReading: Equatable, Sendable {
    public var isConnected = false
    /// Connections made after the first.
    public var reconnects = 0
    /// Settlements of an older connection: no-ops.
    public var staleSettlements = 0
    /// Deliveries that somebody forgot to settle.
    public var abandonedDeliveries = 0
    /// Sent and not confirmed.
    public var unconfirmed = 0
    public var isBlocked = false
    public var endpoint = ""
}

/// Written by the link's thread, read by anyone.
final class LinkCounters: Sendable {
    private let state = Lock(LinkReading())

    func update(_ body: (inout LinkReading) -> Void) {
        state.withLock { body(&$0) }
    }

    var reading: LinkReading { state.withLock { $0 } }
}
