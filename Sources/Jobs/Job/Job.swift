package import Clocks

/// One valid request that a user leave a shared album. Shape and rules: docs/messages.md, job version 1. A class,
/// because it is passed on often and never changes.
package final class Job: Sendable {
    package let id: JobID
    package let account: AccountID
    package let shareToken: ShareToken
    /// When the publisher asked, echoed in the result as it was written.
    package let requestedAt: String?
    /// No API call starts after it.
    package let deadline: Timestamp?
    /// Echoed in the result. At most 16 members, keys unique as bytes, in the order of the message.
    package let metadata: [Metadatum]

    package struct Metadatum: Hashable, Sendable {
        package let key: [UInt8]
        package let value: [UInt8]

        package init(key: [UInt8], value: [UInt8]) {
            self.key = key
            self.value = value
        }
    }

    package init(
        id: JobID, account: AccountID, shareToken: ShareToken, requestedAt: String? = nil, deadline: Timestamp? = nil,
        metadata: [Metadatum] = []
    ) {
        self.id = id
        self.account = account
        self.shareToken = shareToken
        self.requestedAt = requestedAt
        self.deadline = deadline
        self.metadata = metadata
    }
}
