/// What job and cancel messages have in common: size, content, and one JSON object of a version that is known.
enum MessageBody {
    /// 64 KiB, the largest body of a message that is read.
    static let largest = 65_536

    static func members(
        of body: [UInt8], contentType: String?, contentEncoding: String?, fallbackID: JobID?
    ) throws(Rejection) -> MessageMembers {
        if body.count > largest { throw tooLarge(size: UInt64(body.count), jobID: fallbackID) }
        let contentFault = MessageContent.fault(contentType: contentType, contentEncoding: contentEncoding)
        // Read before the content is judged, so that a rejection for the content names the job if it can.
        switch parse(body) {
        case .failure(let fault):
            if let contentFault { throw Rejection(.unsupportedContent, contentFault, jobID: fallbackID) }
            throw Rejection(.malformedJob, "the body: \(fault)", jobID: fallbackID)
        case .success(let value):
            let members = MessageMembers(value, fallbackID: fallbackID)
            if let contentFault { throw members.rejection(.unsupportedContent, contentFault) }
            guard value.members != nil else {
                throw members.rejection(.malformedJob, "the body: it is \(value.kind) where an object belongs")
            }
            try members.checkVersion()
            return members
        }
    }

    static func tooLarge(size: UInt64, jobID: JobID?) -> Rejection {
        Rejection(.bodyTooLarge, "the body has \(size) bytes; \(largest) are allowed", jobID: jobID)
    }

    private static func parse(_ body: [UInt8]) -> Result<JSONValue, JSONFault> {
        do {
            return .success(try JSONValue.parse(body))
        } catch {
            return .failure(error)
        }
    }
}
