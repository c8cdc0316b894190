/// Whether a call may begin.
public enum ClaimAnswer: Equatable, Sendable {
    /// The intent is durable: send now.
    case claimed(OpenJob)
    /// The row is no longer what `look` saw: begin again with this.
    case refused(Finding)
}
