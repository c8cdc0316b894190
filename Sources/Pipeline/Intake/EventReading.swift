import AMQP
import Jobs
import Messages

/// How a message is read that looks like an event. The first acceptance decides: a copy of an accepted event carries what
/// was read of it, and one of a message that was accepted as a job of its own carries no word of an event.
struct EventReading {
    private enum Judgement {
        /// By the types that ask for a leave now.
        case new
        case accepted(EventContext)
    }

    private let judgement: Judgement
    /// Those of binary mode; nil for an event in structured mode.
    private let attributes: EventAttributes?

    /// Nil for a message that is no event, whatever it looks like, as nearly all are.
    init?(_ message: IncomingMessage, _ lane: Lane, _ jobHeaders: JobHeaders) {
        guard lane != .cancel else { return nil }
        let isStructured = EventDecoder.isStructured(message.properties.contentType)
        attributes = isStructured ? nil : EventHeaders.attributes(in: message.properties.headers)
        if let event = jobHeaders.event {
            judgement = .accepted(event)
            return
        }
        guard isStructured || attributes != nil else { return nil }
        // What the broker gave up may be a publisher's own message.
        let isCopy = lane.carriesOwnHeaders && JobHeaders.arePresent(in: message.properties.headers)
        guard !isCopy || jobHeaders.isUnread else { return nil }
        judgement = .new
    }

    /// Nil: with no type of events at all it is what it is without them.
    func content(of message: IncomingMessage, types: () -> [String]) -> InFlightMessage.Content? {
        let properties = message.properties
        let decoded: Result<Job, Rejection>
        switch (judgement, message.body) {
        case (.accepted(let event), .complete(let body)):
            decoded = EventDecoder.decode(
                accepted: event, body: body, attributes: attributes, contentType: properties.contentType,
                contentEncoding: properties.contentEncoding, messageID: properties.messageID)
        case (.accepted, .truncated): return nil
        case (.new, _) where types().isEmpty: return nil
        case (.new, .truncated(let beginning, let size, _)):
            return .rejected(EventDecoder.tooLarge(size: size, beginning: beginning[...], attributes: attributes))
        case (.new, .complete(let body)):
            if let attributes {
                decoded = EventDecoder.decode(
                    body: body, attributes: attributes, contentType: properties.contentType,
                    contentEncoding: properties.contentEncoding, types: types())
            } else {
                decoded = EventDecoder.decode(
                    body: body, contentType: properties.contentType, contentEncoding: properties.contentEncoding,
                    types: types())
            }
        }
        switch decoded {
        case .success(let job): return .job(job)
        case .failure(let rejection): return .rejected(rejection)
        }
    }

    /// What its copies say of it.
    func note(_ content: InFlightMessage.Content, in jobHeaders: inout JobHeaders) {
        switch content {
        case .job(let job):
            jobHeaders.event = job.event
            jobHeaders.isUnread = false
        case .rejected, .suspicious: jobHeaders.isUnread = jobHeaders.event == nil
        case .cancel: break
        }
    }
}
