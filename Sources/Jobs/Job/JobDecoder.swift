import Clocks
import JSON
import Secrets

/// Reads job messages, version 1. Whatever comes, it answers with a job or with the reason why it is none.
public enum JobDecoder {
    /// In bytes.
    static let shareTokenLengths = 1...2048
    static let mostMetadata = 16
    /// In bytes, names and values together.
    static let largestMetadata = 2048

    /// What a job message may say; whatever else it holds is not read.
    static let names = ["version", "jobId", "account", "shareToken", "requestedAt", "deadline", "metadata"]

    /// `messageID` is the AMQP property, which stands for the member `jobId` where that is absent. Where both are there
    /// the body's counts: many clients make up a message-id of their own. An empty property counts as absent.
    ///
    /// The order of the checks: size, content, JSON, version, job id, account, share token, times, metadata. The detail
    /// of a rejection names the first fault with the member's path, and never holds a value of the message.
    public static func decode(
        body: [UInt8], contentType: String?, contentEncoding: String?, messageID: String?
    ) -> Result<Job, Rejection> {
        do {
            return .success(
                try job(body, contentType: contentType, contentEncoding: contentEncoding, messageID: messageID))
        } catch {
            return .failure(error)
        }
    }

    /// For a message of which only the `beginning` was taken in, because its body has `size` bytes.
    public static func tooLarge(size: UInt64, beginning: [UInt8], messageID: String?) -> Rejection {
        MessageBody.tooLarge(
            size: size, beginning: beginning.prefix(MessageBody.largest), naming: names,
            fallbackID: property(messageID).flatMap(JobID.init(checking:)))
    }

    /// See `decode`. `event` is what the message came as, whose trace may be told by the event alone.
    static func job(
        _ body: [UInt8], contentType: String?, contentEncoding: String?, messageID: String?,
        event: EventContext? = nil, trace: (parent: String?, state: String?) = (nil, nil)
    ) throws(Rejection) -> Job {
        let property = property(messageID)
        let members = try MessageBody.members(
            of: body, contentType: contentType, contentEncoding: contentEncoding, naming: names,
            fallbackID: property.flatMap(JobID.init(checking:)))
        return try job(members, fallback: .messageID(property), event: event, trace: trace)
    }

    /// What stands for a member `jobId` that is absent.
    enum FallbackID {
        case messageID([UInt8]?)
        case event([UInt8])
    }

    /// The job of these members, whose version was checked.
    static func job(
        _ members: MessageMembers, fallback: FallbackID, event: EventContext?, trace: (parent: String?, state: String?)
    ) throws(Rejection) -> Job {
        let id = try jobID(members, fallback)
        let account = try members.requiredString("account")
        if let fault = AccountID.fault(in: account) { throw members.malformed("account", fault) }
        let token = try members.requiredString("shareToken")
        guard shareTokenLengths.contains(token.count) else {
            throw members.malformed("shareToken", "it has \(token.count) bytes; 1 to 2048 are allowed")
        }
        let requestedAt = try time("requestedAt", members)
        let deadline = try time("deadline", members)
        return Job(
            id: id, account: AccountID(utf8: account), shareToken: ShareToken(Secret(copying: token)),
            requestedAt: requestedAt?.text, deadline: deadline?.time,
            metadata: try metadata(members, token: token), event: event, eventTrace: trace)
    }

    private static func property(_ messageID: String?) -> [UInt8]? {
        messageID.flatMap { $0.isEmpty ? nil : Array($0.utf8) }
    }

    private static func jobID(_ members: MessageMembers, _ fallback: FallbackID) throws(Rejection) -> JobID {
        if let written = try members.string("jobId") {
            if let fault = JobID.fault(in: written) { throw members.malformed("jobId", fault) }
            return JobID(utf8: written)
        }
        let (id, name): ([UInt8], StaticString)
        switch fallback {
        case .messageID(let property?): (id, name) = (property, "message-id")
        case .event(let attribute): (id, name) = (attribute, "id")
        case .messageID(nil):
            throw members.rejection(.jobIDMissing, "jobId: it is missing, and so is the property message-id")
        }
        if let fault = JobID.fault(in: id) { throw members.rejection(.malformedJob, "\(name): \(fault)") }
        return JobID(utf8: id)
    }

    private static func time(
        _ name: String, _ members: MessageMembers
    ) throws(Rejection) -> (text: String, time: Timestamp)? {
        guard let bytes = try members.string(name) else { return nil }
        guard let time = Timestamp(rfc3339: bytes) else {
            throw members.malformed(name, "it is not a time of RFC 3339, like 2026-11-23T19:50:00Z")
        }
        return (String(decoding: bytes, as: UTF8.self), time)
    }

    private static func metadata(_ members: MessageMembers, token: [UInt8]) throws(Rejection) -> [Job.Metadatum] {
        guard let written = try members.object("metadata") else { return [] }
        guard written.count <= mostMetadata else {
            throw members.malformed("metadata", "it has \(written.count) members; \(mostMetadata) are allowed")
        }
        var metadata: [Job.Metadatum] = []
        metadata.reserveCapacity(written.count)
        for member in written {
            guard let value = member.value.utf8 else {
                throw members.wrongType(path(of: member.name, token: token), member.value, "a string")
            }
            metadata.append(Job.Metadatum(key: member.name, value: value))
        }
        let size = metadata.reduce(0) { $0 + $1.key.count + $1.value.count }
        guard size <= largestMetadata else {
            throw members.malformed("metadata", "it has \(size) bytes; \(largestMetadata) are allowed")
        }
        return metadata
    }

    /// The name is the publisher's own text, so it might even be the token.
    private static func path(of name: [UInt8], token: [UInt8]) -> String {
        // Long enough for the names people give; the rest of the detail must fit beside it.
        let longestName = 64
        guard Redaction.replacing([token], in: name) == name else { return "metadata.<redacted>" }
        return "metadata." + DetailText.scrubbed(String(decoding: name, as: UTF8.self), limit: longestName)
    }
}
