import Clocks
package import JSON
package import Jobs
import Ledger

/// `job.note`: a line of the job's history. Durable when it is answered: what an operator did is written before it is
/// done.
package struct JobNoteRequest: LedgerRequest {
    package static let name = RequestName.jobNote

    package let jobID: JobID
    package let generation: Int
    /// One word.
    package let kind: String
    /// For people; no tokens.
    package let detail: String

    package init(_ jobID: JobID, generation: Int, kind: String, detail: String) {
        self.jobID = jobID
        self.generation = generation
        self.kind = kind
        self.detail = detail
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        jobID = try members.jobID()
        guard let kind = json["kind"]?.text, let detail = json["detail"]?.text else {
            throw ControlFormatError("a line of a story has kind and detail")
        }
        self.kind = kind
        self.detail = detail
        generation = try members.optional("generation", members.count) ?? 0
    }

    package var json: JSONValue {
        .object(of: [
            "jobId": .id(jobID), "generation": .count(generation), "kind": .text(kind), "detail": .text(detail),
        ])
    }

    /// `noted` is true, or there is a refusal instead.
    package struct Answer: ControlValue {
        package init() {}

        package init(json: JSONValue) throws(ControlFormatError) {
            guard try ControlMembers(json).bool("noted") else { throw ControlFormatError("noted is false") }
        }

        package var json: JSONValue { .object(of: ["noted": .bool(true)]) }
    }

    package func answer(from handler: LedgerRequestHandler) async throws(ControlFault) -> Answer {
        try await handler.write { ledger throws(LedgerError) in
            try await ledger.write(
                JobEvent(
                    jobID: jobID, generation: generation, at: ledger.clock.wall(), kind: kind, detail: detail))
        }
        return Answer()
    }
}

/// `job.cancel`: ends a job also after a call began. A daemon answers it itself, with its jobs in flight.
package struct JobCancelRequest: LedgerRequest {
    package typealias Answer = ForcedCancel

    package static let name = RequestName.jobCancel

    package let jobID: JobID
    /// Who wants it; a daemon knows better, by the kernel's word.
    package let by: String?

    package init(_ jobID: JobID, by: String?) {
        self.jobID = jobID
        self.by = by
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        jobID = try members.jobID()
        by = try members.optional("by", members.text)
    }

    package var json: JSONValue { .object(of: ["jobId": .id(jobID), "by": by.map(JSONValue.text)]) }

    /// Of the file, which no daemon has: so nobody works on the job, and no call of it is in flight.
    package func answer(from handler: LedgerRequestHandler) async throws(ControlFault) -> ForcedCancel {
        let (id, by) = (jobID, by ?? "somebody")
        let publishNew = handler.publishNew
        return try await handler.write { ledger throws(LedgerError) -> ForcedCancel in
            let clock = ledger.clock
            while true {
                switch try await ledger.cancelForGood(id, newest: nil, at: clock.wall()) {
                case .remembered: return .remembered(id)
                case .ended(let result): return .hadEnded(id, JobEnding(result))
                case .leased(let until): return .leased(id, until: until)
                case .open(let job):
                    try await ledger.write(
                        .cancelledForGood(id, generation: job.open.generation, by: by, at: clock.wall()))
                    let result = job.result(at: clock.wall())
                    guard try await ledger.finishCancelled(job, result: result) else { continue }
                    let isPublished = await publishNew(result)
                    if isPublished { ledger.mark(.result, of: id, generation: job.open.generation) }
                    return .ended(id, JobEnding(result), isPublished: isPublished)
                }
            }
        }
    }
}
