/// Why a question to the daemon has no answer.
public enum ControlError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no socket, or nobody listens on it.
    case notRunning(path: String)
    case noPermission(path: String)
    /// The daemon heard it and says no.
    case refused(code: String, message: String)
    /// The connection broke, or the answer took too long.
    case broken(path: String, detail: String)

    public var description: String {
        switch self {
        case .notRunning(let path): "no daemon listens on \(path)"
        case .noPermission(let path):
            "control socket \(path) is not for this user: be of the daemon's group, or root"
        case .refused(_, let message): message
        case .broken(let path, let detail): "control socket \(path): \(detail)"
        }
    }
}
