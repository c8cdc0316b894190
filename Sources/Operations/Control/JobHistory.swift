public import JSON
public import Jobs
public import Ledger
public import Threads

/// `job`: what the ledger knows of one job.
public struct JobRequest: LedgerRequest {
    public typealias Answer = JobHistory

    public static let name = RequestName.job

    public let jobID: JobID

    public init(_ jobID: JobID) {
        self.jobID = jobID
    }

    public init(json: JSONValue) throws(ControlFormatError) { jobID = try ControlMembers(json).jobID() }

    public var json: JSONValue { .object(of: ["jobId": .id(jobID)]) }

    public func answer(from desk: LedgerDesk) async throws(DeskFault) -> JobHistory {
        let id = jobID
        let story = try await desk.source.read(
            live: { ledger throws(LedgerError) in try await ledger.story(of: id) },
            file: { reader throws(LedgerError) in try reader.story(of: id) })
        guard let story else { throw .unknown("the ledger has nothing of job \(id)") }
        return JobHistory(story)
    }
}

/// One job's history, as an operator reads it. The share token is in it only as its hash.
public struct JobHistory: ControlValue {
    public enum State: Equatable, Sendable {
        /// In the worker, or in a queue.
        case waiting
        case parked(Parking)
        /// A call was begun and has not ended, or the daemon died in it.
        case calling(Parking?)
        case finished(resultIsPublished: Bool, letterIsPublished: Bool)
    }

    /// A copy on a delay queue.
    public struct Parking: Equatable, Sendable {
        public let due: Timestamp
        public let copyIsPublished: Bool

        public init(due: Timestamp, copyIsPublished: Bool) {
            self.due = due
            self.copyIsPublished = copyIsPublished
        }
    }

    public let jobID: JobID
    public let account: AccountID
    /// Hexadecimal SHA-256 of the share token.
    public let tokenHash: String
    public let generation: Int
    public let attempts: Int
    public let isAmbiguous: Bool
    public let firstSeen: Timestamp
    public let firstCallAt: Timestamp?
    public let changedAt: Timestamp
    public let state: State
    /// One for each generation that ended, oldest first.
    public let results: [Result]
    public let events: [Event]
    /// Times in which the worker stood still meanwhile.
    public let holds: [HoldRecord]

    public init(_ story: JobStory) {
        jobID = story.jobID
        account = story.account
        tokenHash = story.tokenHash
        generation = story.generation
        attempts = story.attempts
        isAmbiguous = story.isAmbiguous
        firstSeen = story.firstSeen
        firstCallAt = story.firstCallAt
        changedAt = story.changedAt
        state = State(story.state)
        results = story.results.map {
            Result(
                messageID: $0.messageID, completedAt: $0.completedAt, body: (try? JSONValue.parse($0.body)) ?? .null)
        }
        events = story.events.map { Event(at: $0.at, generation: $0.generation, kind: $0.kind, detail: $0.detail) }
        holds = story.holds
    }

    public init(json: JSONValue) throws(ControlFormatError) {
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
    }

    public var json: JSONValue {
        let parking = state.parking
        let published = state.published
        return .object(of: [
            "jobId": .id(jobID), "account": .id(account), "tokenSha256": .text(tokenHash),
            "generation": .count(generation), "attempts": .count(attempts), "ambiguous": .bool(isAmbiguous),
            "firstSeenAt": .time(firstSeen), "firstCallAt": firstCallAt.map(JSONValue.time),
            "changedAt": .time(changedAt), "state": .word(state.word), "dueAt": parking.map { .time($0.due) },
            "copyPublished": parking.map { .bool($0.copyIsPublished) },
            "resultPublished": published.map { .bool($0.result) },
            "letterPublished": published.map { .bool($0.letter) }, "results": .list(results), "events": .list(events),
            "holds": .list(holds),
        ])
    }
}

extension JobHistory {
    /// A result that is stored for its message-id.
    public struct Result: ControlValue {
        public let messageID: String
        public let completedAt: Timestamp
        /// The result message, docs/messages.md; null if it is no JSON.
        public let body: JSONValue

        public init(messageID: String, completedAt: Timestamp, body: JSONValue) {
            self.messageID = messageID
            self.completedAt = completedAt
            self.body = body
        }

        public init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            messageID = try members.text("messageId")
            completedAt = try members.time("completedAt")
            body = try members.value("body")
        }

        public var json: JSONValue {
            .object(of: ["messageId": .text(messageID), "completedAt": .time(completedAt), "body": body])
        }
    }

    /// An answer that did not end the job, a parking, an operator's deed.
    public struct Event: ControlValue {
        public let at: Timestamp
        public let generation: Int
        /// One word.
        public let kind: String
        /// For people; no tokens.
        public let detail: String

        public init(at: Timestamp, generation: Int, kind: String, detail: String) {
            self.at = at
            self.generation = generation
            self.kind = kind
            self.detail = detail
        }

        public init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            at = try members.time("at")
            generation = try members.count("generation")
            kind = try members.text("kind")
            detail = try members.text("detail")
        }

        public var json: JSONValue {
            .object(of: [
                "at": .time(at), "generation": .count(generation), "kind": .text(kind), "detail": .text(detail),
            ])
        }
    }
}

extension JobHistory.State {
    fileprivate enum Word: String { case waiting, calling, parked, finished }

    fileprivate init(_ state: JobStory.State) {
        switch state {
        case .open(let open, let isCalling):
            let parking = open.due.map { JobHistory.Parking(due: $0, copyIsPublished: open.copyIsPublished) }
            self = isCalling ? .calling(parking) : parking.map { .parked($0) } ?? .waiting
        case .finished(let result, let letter):
            self = .finished(resultIsPublished: result, letterIsPublished: letter)
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
                letterIsPublished: try members.bool("letterPublished"))
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

    fileprivate var published: (result: Bool, letter: Bool)? {
        guard case .finished(let result, let letter) = self else { return nil }
        return (result, letter)
    }
}

extension HoldRecord: ControlValue {
    public init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        self.init(
            cause: try members.word("cause"), since: try members.time("since"),
            until: try members.optional("until", members.time), detail: try members.text("detail"))
    }

    public var json: JSONValue {
        .object(of: [
            "cause": .word(cause), "since": .time(since), "detail": .text(detail),
            "until": until.map(JSONValue.time),
        ])
    }
}
