import CLinux
import Glibc

/// A Linux call that failed: which, on what, and errno's own words.
public struct SystemCallError: Error, Equatable, Sendable, CustomStringConvertible {
    public let call: String
    public let code: Int32

    /// Takes errno, so it must be made directly after the call.
    public init(_ call: String) {
        self.call = call
        code = CLinux_errno()
    }

    public init(_ call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    public var description: String { "\(call): \(String(cString: strerror(code))) (errno \(code))" }
}
