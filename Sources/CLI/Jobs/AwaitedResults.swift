import Jobs
import Operations

/// Which of the submitted jobs have their result.
final class AwaitedResults {
    let total: Int
    private var waiting: [JobID: Submission]
    private var outcomes: [Outcome: Int] = [:]

    /// A job that stands in the list twice has one result.
    init(_ submissions: [Submission]) {
        waiting = Dictionary(
            submissions.compactMap { submission in submission.jobID.map { ($0, submission) } },
            uniquingKeysWith: { first, _ in first })
        total = waiting.count
    }

    var open: [Submission] { Array(waiting.values) }
    var isComplete: Bool { waiting.isEmpty }
    var allSucceeded: Bool { Set(outcomes.keys).isSubset(of: [.left, .alreadyLeft]) }

    /// False if nobody waits for it.
    func take(_ result: FollowedResult) -> Bool {
        guard let id = result.jobID, let outcome = result.outcome, let submission = waiting[id] else { return false }
        // Another message that names the job and is none says nothing of this one.
        if outcome == .rejected, !result.rejects(submission.body) { return false }
        waiting[id] = nil
        outcomes[outcome, default: 0] += 1
        return true
    }

    var summary: String {
        var parts = Outcome.allCases.compactMap { outcome in outcomes[outcome].map { "\(outcome.rawValue) \($0)" } }
        if !waiting.isEmpty { parts.append("\(waiting.count) without a result") }
        return parts.isEmpty ? "no jobs" : parts.joined(separator: ", ")
    }
}
