/// What the publishing link tells, on its own thread. A handler must not block.
public enum PublishingEvent: Sendable {
    case connected(endpoint: String)
    case lost(LinkError)
    /// The broker takes nothing for now (memory or disk); what is published waits.
    case blocked(reason: String)
    case unblocked
    case stopped
}
