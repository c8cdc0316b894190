package import AMQP
package import Jobs

/// Why the broker took a message out of its queue and laid it into the one for what it gave up.
package enum GivenUp: String, CaseIterable, Sendable {
    /// Nobody took it before the publisher's `expiration` had passed.
    case expired
    /// It came back without an answer as often as its queue allows.
    case deliveryLimit = "delivery_limit"

    /// From the newest entry of x-death. What says nothing counts as delivered too often: such a job is not called.
    package init(reading headers: FieldTable?) {
        guard case .array(let deaths)? = headers?["x-death"], case .table(let latest)? = deaths.first,
            case .string(let word)? = latest["reason"], word == Array("expired".utf8)
        else {
            self = .deliveryLimit
            return
        }
        self = .expired
    }

    package var reason: Reason {
        switch self {
        case .expired: .expired
        case .deliveryLimit: .poison
        }
    }
}
