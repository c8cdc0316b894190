/// Whether a call may begin.
public enum ClaimAnswer: Equatable, Sendable {
    /// The intent is durable: send now.
    case claimed(OpenJob)
    /// The row is no longer what `look` saw, or what the claim presumed: begin again with this.
    case refused(Finding)
}
