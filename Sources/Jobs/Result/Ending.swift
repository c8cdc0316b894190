/// How a job ends.
public enum Ending: Sendable {
    case left
    /// The user was no longer in the album.
    case alreadyLeft
    /// `isAnswer`: the API's answer says so, and the result tells how the last call was answered.
    case failed(Reason, detail: String, isAnswer: Bool = false)
}
