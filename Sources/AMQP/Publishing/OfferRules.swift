import Clocks

/// Whether a publishing link may send what is only offered: not where it could keep anything else waiting.
struct OfferRules {
    private var isConnected = false
    /// Nothing is offered before; nil: it may be at any time.
    private var pausedUntil: MonotonicTime?

    /// After a channel was closed that something offered was under way on. What the broker refuses so, as it refuses a
    /// routing key without the right to it, it refuses each time, and each time all that is unconfirmed is sent again.
    static let pause = Duration.seconds(60)

    /// A connection works.
    mutating func begin() { isConnected = true }

    /// It is gone. `hasOffered`: something offered was not confirmed.
    mutating func lost(hasOffered: Bool, _ kind: LinkError.Kind, at now: MonotonicTime) {
        isConnected = false
        guard hasOffered, case .channelClosed = kind else { return }
        pausedUntil = now + Self.pause
    }

    /// `unconfirmed`: sent and not confirmed, or about to be sent; `window`: what that may be at most.
    func mayOffer(unconfirmed: Int, window: Int, isBlocked: Bool, at now: MonotonicTime) -> Bool {
        guard isConnected, !isBlocked, unconfirmed < window / 2 else { return false }
        return pausedUntil.map { now >= $0 } ?? true
    }
}
