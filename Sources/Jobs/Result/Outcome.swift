/// How a job ended, as its result says it.
public enum Outcome: String, CaseIterable, Sendable {
    case left
    case alreadyLeft = "already_left"
    case failed
    case rejected
}

/// What is known of user and album when a job has ended.
public enum Effect: String, CaseIterable, Sendable {
    case left
    case notLeft = "not_left"
    case unknown
}

/// Who can do something about a job that did not succeed.
public enum NextStep: String, CaseIterable, Sendable {
    case none
    case fixRequest = "fix_request"
    case reauthorizeUser = "reauthorize_user"
    case `operator`
}
