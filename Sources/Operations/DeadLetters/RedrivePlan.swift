package import Clocks
import JSON
import Jobs
package import Messages

/// What giving a dead letter's job out again would do, as far as the ledger knows.
package enum RedrivePlan: Equatable, Sendable {
    /// It runs again as this generation, with that deadline if it has one.
    case run(generation: Int, deadline: Timestamp?)
    /// It would end at once, as it did: its deadline has passed, and it was given no other.
    case late(deadline: Timestamp)
    /// A newer generation of it is under way or has ended, with its own dead letter should it fail; its outcome, if it
    /// has ended. A redrive that was interrupted leaves such dead letters.
    case newer(generation: Int, outcome: String?)
    /// It never became a job.
    case rejected
    /// Its body is larger than is held in memory.
    case unusable

    /// `deadline`: what it is given in the place of the one that it has. `history`: nil if the ledger knows nothing of
    /// the job.
    package init(_ deadLetter: DeadLetter, deadline new: NewDeadline? = nil, history: JobHistory?, at now: Timestamp) {
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
            let deadline = NewDeadline.inForce(new, own: deadLetter.deadline)
            if let deadline, deadline < now {
                self = .late(deadline: deadline)
            } else {
                self = .run(generation: deadLetter.generation + 1, deadline: deadline)
            }
            return
        }
        let ended = history?.results.last { $0.body["generation"]?.integer == Int64(newest) }
        self = .newer(generation: newest, outcome: ended?.body["outcome"]?.text)
    }

    package var message: String {
        switch self {
        case .run(let generation, let deadline?):
            "runs again as generation \(generation), with deadline \(deadline.rfc3339)"
        case .run(let generation, nil): "runs again as generation \(generation)"
        case .late(let deadline):
            "its deadline \(deadline.rfc3339) has passed: give it another with --deadline TIME, or --deadline none"
        case .newer(let generation, let outcome?):
            "generation \(generation) has ended as \(outcome): the letter is out of date and goes"
        case .newer(let generation, nil):
            "generation \(generation) is under way: the letter is out of date and goes"
        case .rejected: "never became a job: submit a corrected one, then discard the letter"
        case .unusable: "its body is larger than is held in memory: discard it"
        }
    }
}
