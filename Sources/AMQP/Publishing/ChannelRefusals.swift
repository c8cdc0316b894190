import Clocks

/// Since when a channel has had everything refused that it published to one place.
///
/// A refusal is the channel's word as much as the queue's. A quorum queue whose leader dies just as a channel publishes to
/// it for the first time refuses all that comes over that channel until the dead node is back, and takes what comes over
/// any other (seen on RabbitMQ 3.10). So another channel is asked; and, as a queue that is full refuses them all, each
/// time after twice as long.
struct ChannelRefusals {
    private struct Place: Hashable {
        let exchange, routingKey: String

        init(_ publication: Publication) {
            exchange = publication.exchange
            routingKey = publication.routingKey
        }
    }

    private let timeout: Duration
    private var longest: Duration
    private var since: [Place: MonotonicTime] = [:]
    private var culprit: Place?

    private static let longestTimeout = Duration.seconds(300)
    /// Places to reply to are named by publishers: what nobody publishes to again is not kept for ever.
    private static let mostPlaces = 1_000

    /// - Parameter timeout: how long everything may be refused before another channel is asked.
    init(timeout: Duration) {
        self.timeout = timeout
        longest = timeout
    }

    /// Another channel, of which nothing is known.
    mutating func begin() { since = [:] }

    mutating func confirmed(_ publication: Publication) {
        // Nothing else to look for in the ordinary case.
        guard !since.isEmpty || culprit != nil else { return }
        let place = Place(publication)
        since[place] = nil
        if culprit == place {
            culprit = nil
            longest = timeout
        }
    }

    /// How long all that goes to the same place has been refused, once that is too long.
    mutating func refused(_ publication: Publication, at now: MonotonicTime) -> Duration? {
        let place = Place(publication)
        guard let first = since[place] else {
            if since.count == Self.mostPlaces { since = [:] }
            since[place] = now
            return nil
        }
        guard now - first >= longest else { return nil }
        culprit = place
        longest = min(longest * 2, Self.longestTimeout)
        return now - first
    }
}
