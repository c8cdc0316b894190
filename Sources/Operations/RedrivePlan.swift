public import JSON
public import Messages

/// What giving a dead letter's job out again would do, as far as the ledger knows.
public enum RedrivePlan: Equatable, Sendable {
    /// It runs again as this generation.
    case run(generation: Int)
    /// A newer generation of it is under way or has ended, with its own dead letter should it fail; its outcome,
    /// if it has ended. A redrive that was interrupted leaves such dead letters.
    case newer(generation: Int, outcome: String?)
    /// It never became a job.
    case rejected
    /// Its body is larger than is held in memory.
    case unusable

    /// `story`: of the ledger's answer to `job`; nil if it knows nothing of it.
    public init(_ deadLetter: DeadLetter, story: JSONValue?) {
        guard !deadLetter.isRejected, deadLetter.jobID != nil else {
            self = .rejected
            return
        }
        guard deadLetter.isWhole else {
            self = .unusable
            return
        }
        let newest = story?["generation"]?.integer.map(Int.init(clamping:)) ?? deadLetter.generation
        guard newest > deadLetter.generation else {
            self = .run(generation: deadLetter.generation + 1)
            return
        }
        let ended = story?["results"]?.elements?.last { $0["body"]?["generation"]?.integer == Int64(newest) }
        self = .newer(generation: newest, outcome: ended?["body"]?["outcome"]?.text)
    }

    public var words: String {
        switch self {
        case .run(let generation): "runs again as generation \(generation)"
        case .newer(let generation, let outcome?):
            "generation \(generation) has ended as \(outcome): the letter is out of date and goes"
        case .newer(let generation, nil): "generation \(generation) is under way: the letter is out of date and goes"
        case .rejected: "never became a job: submit a corrected one, then discard the letter"
        case .unusable: "its body is larger than is held in memory: discard it"
        }
    }
}
