package import AMQP
package import Clocks
package import Jobs
package import Messages

/// What the worker would take a message for that waits in a lane: by the same intake, and nothing happens to it.
package struct MessagePreview: Sendable {
    package enum Content: Sendable {
        case job(Job)
        /// It would never become a job.
        case rejected(Rejection)
        /// The worker died with it too often: it would be set apart before its body is looked at.
        case setApart
    }

    package let lane: Lane
    package let jobHeaders: JobHeaders
    package let content: Content
    /// Times that the broker gave it out before, and copies before it that no worker brought a word of.
    package let deliveries: Int64
    private let message: IncomingMessage

    /// A delivery count from which a look leaves a message alone. An orderly stop releases from there on what it would
    /// nack otherwise, and for the same reason: at twice as many a job looks like one that kills workers.
    private static let deliveriesToLeaveAlone = Intake.suspiciousDeliveries / 2

    /// `eventTypes`: those that are jobs.
    package init(_ message: IncomingMessage, prefix: String, eventTypes: [String]) {
        let item = Intake(prefix: prefix, eventTypes: { eventTypes }).take(message).item
        self.message = message
        (lane, jobHeaders, deliveries) = (item.lane, item.jobHeaders, item.deliveries)
        switch item.content {
        case .job(let job): content = .job(job)
        case .rejected(let rejection): content = .rejected(rejection)
        case .suspicious: content = .setApart
        case .cancel: preconditionFailure("the queue of cancels is not looked at")
        }
    }

    package var jobID: JobID? {
        switch content {
        case .job(let job): job.id
        case .rejected(let rejection): rejection.jobID
        case .setApart: nil
        }
    }

    package var account: AccountID? {
        switch content {
        case .job(let job): job.account
        case .rejected(let rejection): rejection.account
        case .setApart: nil
        }
    }

    /// No call begins after it.
    package var deadline: Timestamp? {
        guard case .job(let job) = content else { return nil }
        return NewDeadline.inForce(jobHeaders.deadline, own: job.deadline)
    }

    /// The worker had given it up already, as its headers say.
    package var isPoison: Bool { jobHeaders.suspect >= Intake.suspectsToPoison }

    /// To be looked at once more would count against it, until the broker or a worker takes it for poison.
    package var isToBeLeftAlone: Bool { deliveries >= Self.deliveriesToLeaveAlone }

    /// The same message as a copy of the worker's own, which takes the place of one that has been given out too often. The
    /// broker counts its deliveries anew, and its headers keep the count, in which workers may have had a part: so it goes
    /// to `due`, where they are believed.
    /// Nil for a message whose body is larger than is held in memory.
    package func relaid(at now: Timestamp, under names: QueueNames) -> Publication? {
        guard case .complete(let body) = message.body else { return nil }
        let isEvent = jobHeaders.event != nil
        var properties = CleanCopy.make(of: message.properties, eventJobID: isEvent ? jobID : nil).properties
        var own = jobHeaders
        own.lane = own.lane ?? lane
        own.firstSeen = own.firstSeen ?? now
        own.deliveries = Int(min(deliveries, JobHeaders.counts.upperBound))
        var headers = properties.headers ?? FieldTable()
        own.write(to: &headers)
        properties.headers = headers
        return Publication(
            exchange: "", routingKey: names.queue(lane.home), properties: properties, body: body)
    }
}
