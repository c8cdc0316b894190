/// A job that has its result, and which of its messages the broker is not known to have.
public struct FinishedJob: Equatable, Sendable {
    public var generation: Int
    public var result: StoredResult
    public var resultIsPublished: Bool
    /// True too when the outcome needs no letter.
    public var letterIsPublished: Bool

    public init(generation: Int, result: StoredResult, resultIsPublished: Bool, letterIsPublished: Bool) {
        self.generation = generation
        self.result = result
        self.resultIsPublished = resultIsPublished
        self.letterIsPublished = letterIsPublished
    }
}
