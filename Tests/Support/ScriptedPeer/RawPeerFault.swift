/// Why a scripted connection could not go on.
package enum RawPeerFault: Error, Equatable, Sendable {
    /// The other side finished sending.
    case ended
    /// The other side reset the connection, or it is closed on this side.
    case reset
    /// Nothing came, or a signal was not fired, for longer than any test should take.
    case timedOut
    /// The TLS handshake failed: the client did not like the certificate, or hung up.
    case handshake
    /// A call of the system failed.
    case system(String, code: Int32)
}
