import Jobs
import Photos

extension Verdict {
    /// What it says of the API's health. Nil: nothing, for nothing was sent to it, and not for want of an answer.
    var sign: Breaker.Sign? {
        // The question was answered, be it with a refusal.
        if album != nil { return .healthy }
        guard let httpStatus else { return action == .hold(.tlsTrust) ? nil : .noAnswer }
        return httpStatus >= 500 && action != .hold(.endpointMisconfigured) ? .serverFault : .healthy
    }
}
