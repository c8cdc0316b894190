package import Clocks
package import JSON
package import Jobs
import Ledger

/// `reconcile`: where each job of a list stands.
package struct ReconcileRequest: LedgerRequest {
    package static let name = RequestName.reconcile

    /// More would keep the ledger's thread from the jobs.
    package static let mostJobs = 1_000

    package let jobIDs: [JobID]

    package init(_ jobIDs: [JobID]) {
        self.jobIDs = jobIDs
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        guard let list = json["jobIds"]?.elements, list.count <= Self.mostJobs else {
            throw ControlFormatError("jobIds is a list of at most \(Self.mostJobs)")
        }
        jobIDs = try ControlMembers(json).jobIDs("jobIds")
    }

    package var json: JSONValue { .object(of: ["jobIds": .array(jobIDs.map(JSONValue.id))]) }

    package struct Answer: ControlValue {
        /// In the order of the request.
        package let jobs: [ReconciledJob]

        package init(jobs: [ReconciledJob]) {
            self.jobs = jobs
        }

        package init(json: JSONValue) throws(ControlFormatError) { jobs = try ControlMembers(json).list("jobs") }

        package var json: JSONValue { .object(of: ["jobs": .list(jobs)]) }
    }

    package func answer(from handler: LedgerRequestHandler) async throws(ControlFault) -> Answer {
        let ids = jobIDs
        let statuses = try await handler.read { ledger throws(LedgerError) in
            try await ledger.statuses(of: ids)
        }
        return Answer(jobs: statuses.map(ReconciledJob.init))
    }
}

/// What the ledger knows of one job of a list, in few words.
package struct ReconciledJob: ControlValue {
    package enum State: Equatable, Sendable {
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

    package let jobID: JobID
    package let generation: Int
    package let state: State

    package init(jobID: JobID, generation: Int, state: State) {
        self.jobID = jobID
        self.generation = generation
        self.state = state
    }

    init(_ status: JobStatus) {
        self.init(jobID: status.jobID, generation: status.generation, state: State(status.state))
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        let word: Word = try members.word("state")
        self.init(
            jobID: try members.jobID(), generation: try members.count("generation"),
            state: try State(word, members))
    }

    package var json: JSONValue {
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
    fileprivate init(_ state: JobStatus.State) {
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
