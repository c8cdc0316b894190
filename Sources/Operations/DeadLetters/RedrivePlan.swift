import JSON
import Jobs
package import Messages

/// What giving a dead deadLetter's job out again would do, as far as the ledger knows.
package enum RedrivePlan: Equatable, Sendable {
    /// It runs again as this generation.
    case run(generation: Int)
    /// A newer generation of it is under way or has ended, with its own dead deadLetter should it fail; its outcome,
    /// if it has ended. A redrive that was interrupted leaves such dead letters.
    case newer(generation: Int, outcome: String?)
    /// It never became a job.
    case rejected
    /// Its body is larger than is held in memory.
    case unusable

    /// `history`: nil if the ledger knows nothing of the job.
    package init(_ deadLetter: DeadLetter, history: JobHistory?) {
        guard !deadLetter.isRejected, deadLetter.jobID != nil else {
            self = .rejected
            return
        }
        guard deadLetter.isWhole else {
            self = .unusable
            return
        }
        let newest = history?.generation ?? deadLetter.generation
        guard newest > deadLetter.generation else {
            self = .run(generation: deadLetter.generation + 1)
            return
        }
        let ended = history?.results.last { $0.body["generation"]?.integer == Int64(newest) }
        self = .newer(generation: newest, outcome: ended?.body["outcome"]?.text)
    }

    package var message: String {
        switch self {
        case .run(let generation): "runs again as generation \(generation)"
        case .newer(let generation, let outcome?):
            "generation \(generation) has ended as \(outcome): the deadLetter is out of date and goes"
        case .newer(let generation, nil):
            "generation \(generation) is under way: the deadLetter is out of date and goes"
        case .rejected: "never became a job: submit a corrected one, then discard the deadLetter"
        case .unusable: "its body is larger than is held in memory: discard it"
        }
    }
}
