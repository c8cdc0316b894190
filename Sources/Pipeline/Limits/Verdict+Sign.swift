import Jobs
import Photos

extension Verdict {
    /// What it says of the API's health. Nil: nothing, for nothing was sent to it, and not for want of an answer.
    var sign: CircuitBreaker.Sign? {
        // The question was answered, be it with a refusal.
        if album != nil { return .healthy }
        guard let httpStatus else {
            switch action {
            case .hold(.tlsTrust), .withdraw: return nil
            case .retryNetwork: return .unsent
            default: return .noAnswer
            }
        }
        // A method that is missing is answered for by a server that works.
        if case .deadUnlessSystemic = action { return .healthy }
        return httpStatus >= 500 ? .serverFault : .healthy
    }
}
