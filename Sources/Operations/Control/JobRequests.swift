public import JSON
public import Jobs
import Ledger
import Threads

/// `job.note`: a line of the job's history. Durable when it is answered: what an operator did is written before it is
/// done.
public struct JobNoteRequest: LedgerRequest {
    public static let name = RequestName.jobNote

    public let jobID: JobID
    public let generation: Int
    /// One word.
    public let kind: String
    /// For people; no tokens.
    public let detail: String

    public init(_ jobID: JobID, generation: Int, kind: String, detail: String) {
        self.jobID = jobID
        self.generation = generation
        self.kind = kind
        self.detail = detail
    }

    public init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        jobID = try members.jobID()
        guard let kind = json["kind"]?.text, let detail = json["detail"]?.text else {
            throw ControlFormatError("a line of a story has kind and detail")
        }
        self.kind = kind
        self.detail = detail
        generation = try members.optional("generation", members.count) ?? 0
    }

    public var json: JSONValue {
        .object(of: [
            "jobId": .id(jobID), "generation": .count(generation), "kind": .text(kind), "detail": .text(detail),
        ])
    }

    /// `noted` is true, or there is a refusal instead.
    public struct Answer: ControlValue {
        public init() {}

        public init(json: JSONValue) throws(ControlFormatError) {
            guard try ControlMembers(json).bool("noted") else { throw ControlFormatError("noted is false") }
        }

        public var json: JSONValue { .object(of: ["noted": .bool(true)]) }
    }

    public func answer(from desk: LedgerDesk) async throws(DeskFault) -> Answer {
        let event = JobEvent(
            jobID: jobID, generation: generation, at: desk.clock.wall(), kind: kind, detail: detail)
        try await desk.source.write(clock: desk.clock) { ledger throws(LedgerError) in try await ledger.write(event) }
        return Answer()
    }
}

/// `job.cancel`: ends a job also after a call began. A daemon answers it itself, with its jobs in flight.
public struct JobCancelRequest: LedgerRequest {
    public typealias Answer = ForcedCancel

    public static let name = RequestName.jobCancel

    public let jobID: JobID
    /// Who wants it; a daemon knows better, by the kernel's word.
    public let by: String?

    public init(_ jobID: JobID, by: String?) {
        self.jobID = jobID
        self.by = by
    }

    public init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        jobID = try members.jobID()
        by = try members.optional("by", members.text)
    }

    public var json: JSONValue { .object(of: ["jobId": .id(jobID), "by": by.map(JSONValue.text)]) }

    /// Of the file, which no daemon has: so nobody works on the job, and no call of it is in flight.
    public func answer(from desk: LedgerDesk) async throws(DeskFault) -> ForcedCancel {
        let (id, by) = (jobID, by ?? "somebody")
        let (clock, announce) = (desk.clock, desk.announce)
        return try await desk.source.write(clock: clock) { ledger throws(LedgerError) -> ForcedCancel in
            while true {
                switch try await ledger.cancelForGood(id, newest: nil, at: clock.wall()) {
                case .remembered: return .remembered(id)
                case .ended(let result): return .hadEnded(id, JobEnding(result))
                case .open(let job):
                    try await ledger.write(
                        .cancelledForGood(id, generation: job.open.generation, by: by, at: clock.wall()))
                    let result = job.result(at: clock.wall())
                    guard try await ledger.finishCancelled(job, result: result) else { continue }
                    let isPublished = await announce(result)
                    if isPublished { ledger.mark(.result, of: id, generation: job.open.generation) }
                    return .ended(id, JobEnding(result), isPublished: isPublished)
                }
            }
        }
    }
}
