package import Clocks
package import JSON
package import Jobs
package import Ledger

/// `job`: what the ledger knows of one job.
package struct JobRequest: LedgerRequest {
    package typealias Answer = JobHistory

    package static let name = RequestName.job

    package let jobID: JobID

    package init(_ jobID: JobID) {
        self.jobID = jobID
    }

    package init(json: JSONValue) throws(ControlFormatError) { jobID = try ControlMembers(json).jobID() }

    package var json: JSONValue { .object(of: ["jobId": .id(jobID)]) }

    package func answer(from handler: LedgerRequestHandler) async throws(ControlFault) -> JobHistory {
        let id = jobID
        let history = try await handler.read { ledger throws(LedgerError) in try await ledger.history(of: id) }
        guard let history else { throw .unknown("the ledger has nothing of job \(id)") }
        return JobHistory(history)
    }
}

/// One job's history, as an operator reads it. The share token is in it only as its hash.
package struct JobHistory: ControlValue {
    package enum State: Equatable, Sendable {
        /// In the worker, or in a queue.
        case waiting
        case parked(Parking)
        /// A call was begun and has not ended, or the daemon died in it.
        case calling(Parking?)
        case finished(resultIsPublished: Bool, deadLetterIsPublished: Bool)
    }

    /// A copy on a delay queue.
    package struct Parking: Equatable, Sendable {
        package let due: Timestamp
        package let copyIsPublished: Bool

        package init(due: Timestamp, copyIsPublished: Bool) {
            self.due = due
            self.copyIsPublished = copyIsPublished
        }
    }

    package let jobID: JobID
    package let account: AccountID
    /// Hexadecimal SHA-256 of the share token.
    package let tokenHash: String
    package let generation: Int
    package let attempts: Int
    package let isAmbiguous: Bool
    package let firstSeen: Timestamp
    package let firstCallAt: Timestamp?
    package let changedAt: Timestamp
    package let state: State
    /// One for each generation that ended, oldest first.
    package let results: [Result]
    package let events: [Event]
    /// Times in which the worker stood still meanwhile.
    package let holds: [HoldRecord]
    /// The newest trace of which the ledger has anything; see `TraceContext.traceID`.
    package let traceID: String?

    package init(_ history: JobRecord) {
        jobID = history.jobID
        account = history.account
        tokenHash = history.tokenHash
        generation = history.generation
        attempts = history.attempts
        isAmbiguous = history.isAmbiguous
        firstSeen = history.firstSeen
        firstCallAt = history.firstCallAt
        changedAt = history.changedAt
        state = State(history.state)
        results = history.results.map {
            Result(
                messageID: $0.messageID, completedAt: $0.completedAt, body: (try? JSONValue.parse($0.body)) ?? .null)
        }
        events = history.events.map { Event(at: $0.at, generation: $0.generation, kind: $0.kind, detail: $0.detail) }
        holds = history.holds
        let traces =
            history.events.map { ($0.at, JobEvent.trace(of: $0.detail)) }
            + history.results.map { ($0.completedAt, TraceContext(traceparent: $0.traceparent).traceID) }
        traceID = traces.filter { $0.1 != nil }.max { $0.0 < $1.0 }?.1
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        jobID = try members.jobID()
        account = try members.account()
        tokenHash = try members.text("tokenSha256")
        generation = try members.count("generation")
        attempts = try members.count("attempts")
        isAmbiguous = try members.bool("ambiguous")
        firstSeen = try members.time("firstSeenAt")
        firstCallAt = try members.optional("firstCallAt", members.time)
        changedAt = try members.time("changedAt")
        state = try State(members)
        results = try members.list("results")
        events = try members.list("events")
        holds = try members.list("holds")
        traceID = try members.optional("traceId", members.text)
    }

    package var json: JSONValue {
        let parking = state.parking
        let published = state.published
        return .object(of: [
            "jobId": .id(jobID), "account": .id(account), "tokenSha256": .text(tokenHash),
            "generation": .count(generation), "attempts": .count(attempts), "ambiguous": .bool(isAmbiguous),
            "firstSeenAt": .time(firstSeen), "firstCallAt": firstCallAt.map(JSONValue.time),
            "changedAt": .time(changedAt), "state": .word(state.word), "dueAt": parking.map { .time($0.due) },
            "copyPublished": parking.map { .bool($0.copyIsPublished) },
            "resultPublished": published.map { .bool($0.result) },
            "letterPublished": published.map { .bool($0.deadLetter) }, "results": .list(results),
            "events": .list(events),
            "holds": .list(holds), "traceId": traceID.map(JSONValue.text),
        ])
    }
}

extension JobHistory {
    /// A result that is stored for its message-id.
    package struct Result: ControlValue {
        package let messageID: String
        package let completedAt: Timestamp
        /// The result message, docs/messages.md; null if it is no JSON.
        package let body: JSONValue

        package init(messageID: String, completedAt: Timestamp, body: JSONValue) {
            self.messageID = messageID
            self.completedAt = completedAt
            self.body = body
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            messageID = try members.text("messageId")
            completedAt = try members.time("completedAt")
            body = try members.value("body")
        }

        package var json: JSONValue {
            .object(of: ["messageId": .text(messageID), "completedAt": .time(completedAt), "body": body])
        }
    }

    /// An answer that did not end the job, a parking, an operator's deed.
    package struct Event: ControlValue {
        package let at: Timestamp
        package let generation: Int
        /// One word.
        package let kind: String
        /// For people; no tokens.
        package let detail: String

        package init(at: Timestamp, generation: Int, kind: String, detail: String) {
            self.at = at
            self.generation = generation
            self.kind = kind
            self.detail = detail
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            at = try members.time("at")
            generation = try members.count("generation")
            kind = try members.text("kind")
            detail = try members.text("detail")
        }

        package var json: JSONValue {
            .object(of: [
                "at": .time(at), "generation": .count(generation), "kind": .text(kind), "detail": .text(detail),
            ])
        }
    }
}

extension JobHistory.State {
    fileprivate enum Word: String { case waiting, calling, parked, finished }

    fileprivate init(_ state: JobRecord.State) {
        switch state {
        case .open(let open, let isCalling):
            let parking = open.due.map { JobHistory.Parking(due: $0, copyIsPublished: open.copyIsPublished) }
            self = isCalling ? .calling(parking) : parking.map { .parked($0) } ?? .waiting
        case .finished(let result, let deadLetter):
            self = .finished(resultIsPublished: result, deadLetterIsPublished: deadLetter)
        }
    }

    fileprivate init(_ members: ControlMembers) throws(ControlFormatError) {
        func parking() throws(ControlFormatError) -> JobHistory.Parking {
            .init(due: try members.time("dueAt"), copyIsPublished: try members.bool("copyPublished"))
        }
        let word: Word = try members.word("state")
        switch word {
        case .waiting: self = .waiting
        case .parked: self = .parked(try parking())
        case .calling:
            let (due, copy) = (
                try members.optional("dueAt", members.time), try members.optional("copyPublished", members.bool)
            )
            self = .calling(due == nil && copy == nil ? nil : try parking())
        case .finished:
            self = .finished(
                resultIsPublished: try members.bool("resultPublished"),
                deadLetterIsPublished: try members.bool("letterPublished"))
        }
    }

    fileprivate var word: Word {
        switch self {
        case .waiting: .waiting
        case .parked: .parked
        case .calling: .calling
        case .finished: .finished
        }
    }

    fileprivate var parking: JobHistory.Parking? {
        switch self {
        case .parked(let parking): parking
        case .calling(let parking): parking
        case .waiting, .finished: nil
        }
    }

    fileprivate var published: (result: Bool, deadLetter: Bool)? {
        guard case .finished(let result, let deadLetter) = self else { return nil }
        return (result, deadLetter)
    }
}

extension HoldRecord: ControlValue {
    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        self.init(
            cause: try members.word("cause"), since: try members.time("since"),
            until: try members.optional("until", members.time), detail: try members.text("detail"))
    }

    package var json: JSONValue {
        .object(of: [
            "cause": .word(cause), "since": .time(since), "detail": .text(detail),
            "until": until.map(JSONValue.time),
        ])
    }
}

/// A job's history in the words in which people read it, wherever they do.
extension JobHistory {
    /// Something that happened to the job, or a hold that stood meanwhile.
    package struct Line: Equatable, Sendable {
        package let at: Timestamp
        /// One word.
        package let kind: String
        package let detail: String
    }

    /// In the order of their times.
    package var lines: [Line] {
        let happened = events.map { Line(at: $0.at, kind: $0.kind, detail: $0.detail) }
        let stood = holds.map {
            Line(
                at: $0.since, kind: "hold",
                detail: "\($0.cause.rawValue) until \($0.until?.rfc3339 ?? "now"): \($0.detail)")
        }
        return (happened + stood).sorted { $0.at < $1.at }
    }
}

extension JobHistory.State {
    package var sentence: String {
        switch self {
        case .parked(let parking):
            parking.copyIsPublished
                ? "parked until \(parking.due.rfc3339)"
                : "parked until \(parking.due.rfc3339); its copy is not confirmed yet"
        case .calling: "calling, or interrupted in a call"
        case .waiting: "waiting in the worker or in a queue"
        case .finished(resultIsPublished: false, _): "finished; its result is not confirmed yet"
        case .finished(_, deadLetterIsPublished: false): "finished; its dead letter is not confirmed yet"
        case .finished: "finished"
        }
    }
}
