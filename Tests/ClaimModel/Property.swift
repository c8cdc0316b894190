/// What holds in every state.
enum Property: String {
    case oneCallAtATime = "two calls in flight"
    case oneCallOfAnAccount = "two calls of an account in flight"
    case oneHolder = "a slot is taken that somebody has"
    case noCallAfterTheResult = "a call after the result was recorded"
    case noCallForOneWhoLeft = "a call for a user who had left"
    case firstResultStands = "a second result of one generation"
    case resultsAreTrue = "a result that is not true"
    case holderIsHeard = "the holder's word is fenced"
    case changesShow = "a row that changed under the same revision"
    case onlyTheDeadCount = "a death counted of a process that lives"
    case jobsEnd = "a state from which the job cannot end"
}
