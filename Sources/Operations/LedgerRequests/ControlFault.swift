/// Why a question of an operator has no answer.
package enum ControlFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// The question itself is wrong.
    case invalid(String)
    /// There is no such job or file.
    case unknown(String)
    /// The file that was asked for cannot be there.
    case refusedFile(String)
    /// Not now: another process has it, or the disk refuses.
    case unavailable(String)
    /// It cannot be used as it is: damaged, or of another version.
    case unusable(String)

    /// The word for it on the control socket.
    package var code: String {
        switch self {
        case .invalid: "invalid"
        case .unknown: "unknown"
        case .refusedFile: "refused_file"
        case .unavailable: "unavailable"
        case .unusable: "unusable"
        }
    }

    package init(code: String, message: String) {
        switch code {
        case "invalid": self = .invalid(message)
        case "unknown": self = .unknown(message)
        case "refused_file": self = .refusedFile(message)
        case "unusable": self = .unusable(message)
        default: self = .unavailable(message)
        }
    }

    package var description: String {
        switch self {
        case .invalid(let text), .unknown(let text), .refusedFile(let text), .unavailable(let text),
            .unusable(let text):
            text
        }
    }
}
