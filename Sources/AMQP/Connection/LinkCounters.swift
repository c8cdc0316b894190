import Concurrency

/// Numbers of a link, for metrics.
package struct LinkReading: Equatable, Sendable {
    package var isConnected = false
    /// Connections made after the first.
    package var reconnects = 0
    /// Settlements of an older connection: no-ops.
    package var staleSettlements = 0
    /// Deliveries that were dropped without being settled.
    package var abandonedDeliveries = 0
    /// Sent and not confirmed.
    package var unconfirmed = 0
    /// Messages that were only offered: sent, and dropped.
    package var offersSent = 0
    package var offersDropped = 0
    package var isBlocked = false
    package var endpoint = ""
}

/// Written by the link's thread, read by anyone.
final class LinkCounters: Sendable {
    private let state = Lock(LinkReading())

    func update(_ body: (inout LinkReading) -> Void) {
        state.withLock { body(&$0) }
    }

    var reading: LinkReading { state.withLock { $0 } }
}
