import JSON

/// What job and cancel messages have in common: size, content, and one JSON object of a version that is known.
enum MessageBody {
    /// 64 KiB, the largest body of a message that is read.
    static let largest = 65_536

    /// The members of these names, of which `version` is one. `fallbackID` is the job id of a message whose body holds
    /// none.
    static func members(
        of body: [UInt8], contentType: String?, contentEncoding: String?, naming names: [String], fallbackID: JobID?
    ) throws(Rejection) -> MessageMembers {
        if body.count > largest {
            throw tooLarge(size: UInt64(body.count), beginning: body[..<largest], naming: names, fallbackID: fallbackID)
        }
        let body = JSONMembers(body, naming: names)
        // Read before the content is judged, so that a rejection for the content names the job if it can.
        let members = MessageMembers(body, fallbackID: fallbackID)
        if let fault = MessageContent.fault(contentType: contentType, contentEncoding: contentEncoding) {
            throw members.rejection(.unsupportedContent, fault)
        }
        try check(body, members)
        return members
    }

    /// That it is one object, whose version is known.
    static func check(
        _ body: JSONMembers, _ members: MessageMembers, called name: StaticString = "the body"
    ) throws(Rejection) {
        if let fault = body.fault ?? body.ambiguity { throw members.rejection(.malformedJob, "\(name): \(fault)") }
        if let kind = body.otherKind {
            throw members.rejection(.malformedJob, "\(name): it is \(kind) where an object belongs")
        }
        try members.checkVersion()
    }

    /// Names the job and its account as far as they stand in the beginning of the body.
    static func tooLarge(
        size: UInt64, beginning: ArraySlice<UInt8>, naming names: [String], fallbackID: JobID?
    ) -> Rejection {
        tooLarge(size, MessageMembers(JSONMembers(Array(beginning), naming: names), fallbackID: fallbackID))
    }

    static func tooLarge(_ size: UInt64, _ members: MessageMembers) -> Rejection {
        members.rejection(.bodyTooLarge, "the body has \(size) bytes; \(largest) are allowed")
    }
}
