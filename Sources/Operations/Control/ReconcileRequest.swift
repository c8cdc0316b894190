public import JSON
public import Jobs
import Ledger
public import Threads

/// `reconcile`: where each job of a list stands.
public struct ReconcileRequest: LedgerRequest {
    public static let name = RequestName.reconcile

    /// More would keep the ledger's thread from the jobs.
    public static let mostJobs = 1_000

    public let jobIDs: [JobID]

    public init(_ jobIDs: [JobID]) {
        self.jobIDs = jobIDs
    }

    public init(json: JSONValue) throws(ControlFormatError) {
        guard let list = json["jobIds"]?.elements, list.count <= Self.mostJobs else {
            throw ControlFormatError("jobIds is a list of at most \(Self.mostJobs)")
        }
        jobIDs = try ControlMembers(json).jobIDs("jobIds")
    }

    public var json: JSONValue { .object(of: ["jobIds": .array(jobIDs.map(JSONValue.id))]) }

    public struct Answer: ControlValue {
        /// In the order of the request.
        public let jobs: [ReconciledJob]

        public init(jobs: [ReconciledJob]) {
            self.jobs = jobs
        }

        public init(json: JSONValue) throws(ControlFormatError) { jobs = try ControlMembers(json).list("jobs") }

        public var json: JSONValue { .object(of: ["jobs": .list(jobs)]) }
    }

    public func answer(from desk: LedgerDesk) async throws(DeskFault) -> Answer {
        let ids = jobIDs
        let standings = try await desk.source.read(
            live: { ledger throws(LedgerError) in try await ledger.standings(of: ids) },
            file: { reader throws(LedgerError) in try reader.standings(of: ids) })
        return Answer(jobs: standings.map(ReconciledJob.init))
    }
}

/// What the ledger knows of one job of a list, in few words.
public struct ReconciledJob: ControlValue {
    public enum State: Equatable, Sendable {
        /// The ledger has nothing of it.
        case unknown
        /// It will end without a call when it comes.
        case cancelled
        /// In the worker, or in a queue.
        case waiting
        case calling
        case parked(until: Timestamp)
        /// The result of its newest generation; `next` and `completedAt` are nil where that does not say them.
        case ended(JobEnding, next: NextStep?, completedAt: Timestamp?)
    }

    public let jobID: JobID
    public let generation: Int
    public let state: State

    public init(jobID: JobID, generation: Int, state: State) {
        self.jobID = jobID
        self.generation = generation
        self.state = state
    }

    init(_ standing: JobStanding) {
        self.init(jobID: standing.jobID, generation: standing.generation, state: State(standing.state))
    }

    public init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        let word: Word = try members.word("state")
        self.init(
            jobID: try members.jobID(), generation: try members.count("generation"),
            state: try State(word, members))
    }

    public var json: JSONValue {
        var (ending, next, due): (JobEnding?, NextStep?, Timestamp?) = (nil, nil, nil)
        var completedAt: Timestamp?
        let word: Word
        switch state {
        case .unknown: word = .unknown
        case .cancelled: word = .cancelled
        case .waiting: word = .waiting
        case .calling: word = .calling
        case .parked(let until): (word, due) = (.parked, until)
        case .ended(let its, let step, let time): (word, ending, next, completedAt) = (.ended, its, step, time)
        }
        return .object(of: [
            "jobId": .id(jobID), "generation": .count(generation), "state": .word(word),
            "dueAt": due.map(JSONValue.time), "outcome": ending.map { .word($0.outcome) },
            "reason": ending?.reason.map(JSONValue.word), "effect": ending?.effect.map(JSONValue.word),
            "next": next.map(JSONValue.word), "completedAt": completedAt.map(JSONValue.time),
        ])
    }

    fileprivate enum Word: String { case unknown, cancelled, waiting, calling, parked, ended }
}

extension ReconciledJob.State {
    fileprivate init(_ state: JobStanding.State) {
        switch state {
        case .unknown: self = .unknown
        case .cancelled: self = .cancelled
        case .waiting: self = .waiting
        case .calling: self = .calling
        case .parked(let until): self = .parked(until: until)
        case .ended(let outcome, let reason, let body):
            let result = try? JSONValue.parse(body)
            self = .ended(
                JobEnding(outcome: outcome, reason: reason, body: result),
                next: result?["next"]?.text.flatMap(NextStep.init(rawValue:)),
                completedAt: result?["completedAt"]?.text.flatMap { Timestamp(rfc3339: $0) })
        }
    }

    fileprivate init(_ word: ReconciledJob.Word, _ members: ControlMembers) throws(ControlFormatError) {
        switch word {
        case .unknown: self = .unknown
        case .cancelled: self = .cancelled
        case .waiting: self = .waiting
        case .calling: self = .calling
        case .parked: self = .parked(until: try members.time("dueAt"))
        case .ended:
            self = .ended(
                try JobEnding(members), next: try members.optional("next", members.word),
                completedAt: try members.optional("completedAt", members.time))
        }
    }
}
