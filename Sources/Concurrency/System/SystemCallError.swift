import CLinux
import Glibc

/// A Linux call that failed: which, on what, and errno's own words.
package struct SystemCallError: Error, Equatable, Sendable, CustomStringConvertible {
    package let call: String
    package let code: Int32

    /// Takes errno, so it must be made directly after the call.
    package init(_ call: String) {
        self.call = call
        code = CLinux_errno()
    }

    package init(_ call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    package var description: String { "\(call): \(String(cString: strerror(code))) (errno \(code))" }
}
