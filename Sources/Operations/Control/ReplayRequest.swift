package import Clocks
package import JSON
package import Jobs
package import Ledger

/// `results.replay`: publishes stored results again, under their message-ids and marked as replays.
package enum ReplayRequest: LedgerRequest {
    case job(JobID)
    /// A page of all results from a time on, in the order of their completion; the next begins `after` its last.
    case since(Timestamp, after: ResultCursor?)

    package static let name = RequestName.resultsReplay

    /// Results of one page.
    private static let page = 500

    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        guard let since = try members.optional("sinceMs", members.integer) else {
            self = .job(try members.jobID())
            return
        }
        self = .since(Timestamp(milliseconds: since), after: try members.optional("after", members.part))
    }

    package var json: JSONValue {
        switch self {
        case .job(let id): .object(of: ["jobId": .id(id)])
        case .since(let time, let after):
            .object(of: ["sinceMs": .integer(time.milliseconds), "after": after?.json])
        }
    }

    package struct Answer: ControlValue {
        package let published: Int
        /// For the next page; nil at the end.
        package let after: ResultCursor?

        package init(published: Int, after: ResultCursor?) {
            self.published = published
            self.after = after
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            published = try members.count("published")
            after = try members.optional("after", members.part)
        }

        package var json: JSONValue { .object(of: ["published": .count(published), "after": after?.json]) }
    }

    package func answer(from handler: LedgerRequestHandler) async throws(ControlFault) -> Answer {
        switch self {
        case .job(let id):
            let results = try await handler.read { ledger throws(LedgerError) in
                try await ledger.results(of: id)
            }
            guard !results.isEmpty else { throw .unknown("the ledger has no result of job \(id)") }
            try await handler.publishAll(results)
            return Answer(published: results.count, after: nil)
        case .since(let time, let last):
            let limit = Self.page
            let results = try await handler.read { ledger throws(LedgerError) in
                try await ledger.results(since: time, after: last, limit: limit)
            }
            try await handler.publishAll(results.map(\.result))
            return Answer(published: results.count, after: results.count == limit ? results.last?.cursor : nil)
        }
    }
}

extension ResultCursor: ControlValue {
    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        self.init(
            completedAt: Timestamp(milliseconds: try members.integer("completedMs")), jobID: try members.jobID(),
            generation: try members.count("generation"))
    }

    package var json: JSONValue {
        .object(of: [
            "completedMs": .integer(completedAt.milliseconds), "jobId": .id(jobID), "generation": .count(generation),
        ])
    }
}
