import JSON

/// Reads jobs that come as CloudEvents 1.0, in structured or binary mode. Whatever comes, it answers with a job or with
/// the reason why it is none.
///
/// The order of the checks: size, content of an envelope, JSON of an envelope, required attributes, type, the other
/// attributes; then those of a job, of the data. An event's job id is the data's, else the event's own id: what the
/// property message-id says is not looked at.
public enum EventDecoder {
    /// Whether the content type says that the body is a whole event, of whatever format.
    public static func isStructured(_ contentType: String?) -> Bool {
        guard let contentType, contentType != "application/json" else { return false }
        return MessageContent.isEvent(contentType)
    }

    /// An event of one of these types, in structured mode.
    public static func decode(
        body: [UInt8], contentType: String?, contentEncoding: String?, types: [String]
    ) -> Result<Job, Rejection> {
        let envelope = EventEnvelope(body.count > MessageBody.largest ? Array(body[..<MessageBody.largest]) : body)
        do throws(Rejection) {
            guard body.count <= MessageBody.largest else {
                throw MessageBody.tooLarge(UInt64(body.count), envelope.job)
            }
            if let fault = MessageContent.eventFault(contentType: contentType, contentEncoding: contentEncoding) {
                throw envelope.job.rejection(.unsupportedContent, fault)
            }
            try checkEnvelope(envelope)
            let context = try context(envelope.attributes, types, envelope.job)
            return .success(try job(in: envelope, context, fallback: .event(context.id)))
        } catch {
            return .failure(error.about(envelope.attributes.echo))
        }
    }

    /// An event of one of these types, in binary mode: the body is the job.
    public static func decode(
        body: [UInt8], attributes: EventAttributes, contentType: String?, contentEncoding: String?, types: [String]
    ) -> Result<Job, Rejection> {
        do throws(Rejection) {
            guard body.count <= MessageBody.largest else {
                return .failure(
                    tooLarge(size: UInt64(body.count), beginning: body[..<MessageBody.largest], attributes: attributes))
            }
            let read = JSONMembers(body, naming: JobDecoder.names)
            let members = MessageMembers(read, fallbackID: attributes.jobID)
            let context = try context(attributes, types, members)
            if let fault = MessageContent.fault(contentType: contentType, contentEncoding: contentEncoding) {
                throw members.rejection(.unsupportedContent, fault)
            }
            try MessageBody.check(read, members)
            return .success(
                try JobDecoder.job(members, fallback: .event(context.id), event: context, trace: trace(attributes)))
        } catch {
            return .failure(error.about(attributes.echo))
        }
    }

    /// A copy of an event that was accepted: `context` is what was read then, and `messageID` the job's id. `attributes`:
    /// what is still there of those of binary mode, for the trace; nil for an event in structured mode.
    public static func decode(
        accepted context: EventContext, body: [UInt8], attributes: EventAttributes?, contentType: String?,
        contentEncoding: String?, messageID: String?
    ) -> Result<Job, Rejection> {
        do throws(Rejection) {
            guard isStructured(contentType) else {
                return .success(
                    try JobDecoder.job(
                        body, contentType: contentType, contentEncoding: contentEncoding, messageID: messageID,
                        event: context, trace: attributes.map(trace) ?? (nil, nil)))
            }
            let envelope = EventEnvelope(body)
            try checkEnvelope(envelope)
            return .success(
                try job(in: envelope, context, fallback: .messageID(messageID.map { Array($0.utf8) })))
        } catch {
            return .failure(error.about(context))
        }
    }

    /// For an event of which only the `beginning` was taken in, because its message's body has `size` bytes.
    /// `attributes`: those of binary mode.
    public static func tooLarge(
        size: UInt64, beginning: ArraySlice<UInt8>, attributes: EventAttributes?
    ) -> Rejection {
        let beginning = Array(beginning.prefix(MessageBody.largest))
        guard let attributes else {
            let envelope = EventEnvelope(beginning)
            return MessageBody.tooLarge(size, envelope.job).about(envelope.attributes.echo)
        }
        let members = MessageMembers(
            JSONMembers(beginning, naming: JobDecoder.names), fallbackID: attributes.jobID)
        return MessageBody.tooLarge(size, members).about(attributes.echo)
    }

    // MARK: Steps

    private static func checkEnvelope(_ envelope: EventEnvelope) throws(Rejection) {
        if let fault = envelope.members.fault ?? envelope.members.ambiguity {
            throw envelope.job.rejection(.malformedJob, "the body: \(fault)")
        }
        if let kind = envelope.members.otherKind {
            throw envelope.job.rejection(.malformedJob, "the body: it is \(kind) where an event belongs")
        }
    }

    private static func context(
        _ attributes: EventAttributes, _ types: [String], _ members: MessageMembers
    ) throws(Rejection) -> EventContext {
        let type: [UInt8]
        do throws(EventAttributes.Fault) {
            type = try attributes.required().type
        } catch {
            throw members.rejection(error)
        }
        guard types.contains(where: { $0.utf8.elementsEqual(type) }) else {
            throw members.rejection(.unsupportedEventType, "type: events of this type do not ask for a leave here")
        }
        do throws(EventAttributes.Fault) {
            return try attributes.context()
        } catch {
            throw members.rejection(error)
        }
    }

    private static func job(
        in envelope: EventEnvelope, _ context: EventContext, fallback: JobDecoder.FallbackID
    ) throws(Rejection) -> Job {
        let read = JSONMembers(envelope.data.map { Array($0) } ?? [], naming: JobDecoder.names)
        let members = envelope.job(read)
        let contentType: [UInt8]?
        do throws(EventAttributes.Fault) {
            contentType = try envelope.attributes.text(.datacontenttype)
        } catch {
            throw members.rejection(error)
        }
        if let contentType,
            let fault = MessageContent.typeFault(String(decoding: contentType, as: UTF8.self), of: "datacontenttype")
        {
            throw members.rejection(.unsupportedContent, fault)
        }
        guard !envelope.hasBase64 else {
            throw members.rejection(.malformedJob, "data_base64: the job must be a JSON object in data")
        }
        guard envelope.data != nil else { throw members.rejection(.malformedJob, "data: it is missing") }
        try MessageBody.check(read, members, called: "data")
        return try JobDecoder.job(members, fallback: fallback, event: context, trace: trace(envelope.attributes))
    }

    private static func trace(_ attributes: EventAttributes) -> (parent: String?, state: String?) {
        (attributes.trace(.traceparent), attributes.trace(.tracestate))
    }
}

extension MessageMembers {
    fileprivate func rejection(_ fault: EventAttributes.Fault) -> Rejection {
        rejection(.malformedJob, "\(fault.name.rawValue): \(fault.fault)")
    }
}
