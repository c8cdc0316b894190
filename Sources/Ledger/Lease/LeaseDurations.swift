/// How long a claim of a shared ledger keeps everybody else from its job: the send window, what a call may take, and
/// what the network may still deliver after that. Every member counts with its own.
package struct LeaseDurations: Equatable, Sendable {
    /// From the asking for a claim to the call's first byte.
    package var sendWindow: Duration
    /// Of one call: `api.timeout`.
    package var callTimeout: Duration
    package var grace: Duration

    /// Of any member: longer settings are refused, so that nobody has to know the others'.
    package static let longest = Duration.seconds(60)
    package static let usualSendWindow = Duration.seconds(5)
    package static let usualGrace = Duration.seconds(5)

    package init(
        sendWindow: Duration = usualSendWindow, callTimeout: Duration, grace: Duration = usualGrace
    ) {
        self.sendWindow = sendWindow
        self.callTimeout = callTimeout
        self.grace = grace
    }

    /// From the ledger's clock at the claim to the last moment of its lease.
    package var whole: Duration { sendWindow + callTimeout + grace }
}
