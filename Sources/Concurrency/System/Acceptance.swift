import CLinux
import Glibc

/// What came of one accept(2).
public enum Acceptance: Equatable, Sendable {
    /// A connection, closed on exec.
    case connection(Int32)
    /// The client has gone again.
    case nobody
    /// There is no descriptor or memory for whoever waits. The listener stays readable: to try again at once would
    /// turn in circles.
    case exhausted(SystemCallError)

    public init(from listener: Int32) {
        let descriptor = CLinux_accept(listener)
        self = descriptor >= 0 ? .connection(descriptor) : Self(failure: SystemCallError("accepting a connection"))
    }

    /// Linux tells errors of the new connection here, which concern nobody but it; see accept(2).
    init(failure: SystemCallError) {
        switch failure.code {
        case EAGAIN, EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP,
            ENETUNREACH:
            self = .nobody
        default: self = .exhausted(failure)
        }
    }
}
