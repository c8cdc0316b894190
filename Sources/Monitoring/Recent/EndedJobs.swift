import Jobs

/// How many jobs ended how. Not a dictionary: the hash of an outcome is that of its word.
struct EndedJobs: Sendable {
    private var left = 0
    private var alreadyLeft = 0
    private var failed = 0
    private var rejected = 0

    mutating func count(_ outcome: Outcome) {
        switch outcome {
        case .left: left += 1
        case .alreadyLeft: alreadyLeft += 1
        case .failed: failed += 1
        case .rejected: rejected += 1
        }
    }

    subscript(outcome: Outcome) -> Int {
        switch outcome {
        case .left: left
        case .alreadyLeft: alreadyLeft
        case .failed: failed
        case .rejected: rejected
        }
    }
}
