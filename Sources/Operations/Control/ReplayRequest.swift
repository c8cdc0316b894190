public import JSON
public import Jobs
public import Ledger
public import Threads

/// `results.replay`: publishes stored results again, under their message-ids and marked as replays.
public enum ReplayRequest: LedgerRequest {
    case job(JobID)
    /// A page of all results from a time on, in the order of their completion; the next begins `after` its last.
    case since(Timestamp, after: ResultCursor?)

    public static let name = RequestName.resultsReplay

    /// Results of one page.
    private static let page = 500

    public init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        guard let since = try members.optional("sinceMs", members.integer) else {
            self = .job(try members.jobID())
            return
        }
        self = .since(Timestamp(milliseconds: since), after: try members.optional("after", members.part))
    }

    public var json: JSONValue {
        switch self {
        case .job(let id): .object(of: ["jobId": .id(id)])
        case .since(let time, let after):
            .object(of: ["sinceMs": .integer(time.milliseconds), "after": after?.json])
        }
    }

    public struct Answer: ControlValue {
        public let published: Int
        /// For the next page; nil at the end.
        public let after: ResultCursor?

        public init(published: Int, after: ResultCursor?) {
            self.published = published
            self.after = after
        }

        public init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            published = try members.count("published")
            after = try members.optional("after", members.part)
        }

        public var json: JSONValue { .object(of: ["published": .count(published), "after": after?.json]) }
    }

    public func answer(from desk: LedgerDesk) async throws(DeskFault) -> Answer {
        switch self {
        case .job(let id):
            let results = try await desk.source.read(
                live: { ledger throws(LedgerError) in try await ledger.results(of: id) },
                file: { reader throws(LedgerError) in try reader.results(of: id) })
            guard !results.isEmpty else { throw .unknown("the ledger has no result of job \(id)") }
            try await desk.publishAll(results)
            return Answer(published: results.count, after: nil)
        case .since(let time, let last):
            let limit = Self.page
            let results = try await desk.source.read(
                live: { ledger throws(LedgerError) in
                    try await ledger.results(since: time, after: last, limit: limit)
                },
                file: { reader throws(LedgerError) in try reader.results(since: time, after: last, limit: limit) })
            try await desk.publishAll(results.map(\.result))
            return Answer(published: results.count, after: results.count == limit ? results.last?.cursor : nil)
        }
    }
}

extension ResultCursor: ControlValue {
    public init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        self.init(
            completedAt: Timestamp(milliseconds: try members.integer("completedMs")), jobID: try members.jobID(),
            generation: try members.count("generation"))
    }

    public var json: JSONValue {
        .object(of: [
            "completedMs": .integer(completedAt.milliseconds), "jobId": .id(jobID), "generation": .count(generation),
        ])
    }
}
