/// That a job is to end without another call, should a delivery of it come.
enum Cancellation: Sendable {
    /// Unless a call has begun: a publisher's word, or an operator's.
    case beforeCall
    /// Whatever has been called: an operator's last word.
    case always
}
