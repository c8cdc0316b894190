public import Clocks

/// One valid request that a user leave a shared album. Shape and rules: docs/messages.md, job version 1. A class,
/// because it is passed on often and never changes.
public final class Job: Sendable {
    public let id: JobID
    public let account: AccountID
    public let shareToken: ShareToken
    /// When the publisher asked, echoed in the result as it was written.
    public let requestedAt: String?
    /// No API call starts after it.
    public let deadline: Timestamp?
    /// Echoed in the result. At most 16 members, keys unique as bytes, in the order of the message.
    public let metadata: [Metadatum]
    /// The event as which it came; nil: as a message of its own.
    public let event: EventContext?
    /// What that event says of the trace, for a message without the headers; as it was written.
    public let eventTrace: (parent: String?, state: String?)

    public struct Metadatum: Hashable, Sendable {
        public let key: [UInt8]
        public let value: [UInt8]

        public init(key: [UInt8], value: [UInt8]) {
            self.key = key
            self.value = value
        }
    }

    public init(
        id: JobID, account: AccountID, shareToken: ShareToken, requestedAt: String? = nil, deadline: Timestamp? = nil,
        metadata: [Metadatum] = [], event: EventContext? = nil,
        eventTrace: (parent: String?, state: String?) = (nil, nil)
    ) {
        self.id = id
        self.account = account
        self.shareToken = shareToken
        self.requestedAt = requestedAt
        self.deadline = deadline
        self.metadata = metadata
        self.event = event
        self.eventTrace = eventTrace
    }
}
