import CLinux
import Glibc

/// No descriptor is free: a fault of this side, whatever was to be reached or read.
public enum DescriptorShortage: Error, Equatable, Sendable, CustomStringConvertible {
    /// EMFILE: this process has as many open as it may have.
    case process(limit: UInt64)
    /// ENFILE: all processes together have.
    case machine

    /// Nil for any other errno.
    public init?(code: Int32) {
        switch code {
        case EMFILE: self = .process(limit: (try? DescriptorLimit.current())?.soft ?? 0)
        case ENFILE: self = .machine
        default: return nil
        }
    }

    /// What one open of `/dev/null` tells: to be asked directly after a library has failed and does not say why.
    /// The kernel looks for a descriptor before it looks for the file, so it tells in a file system without one too.
    /// errno is as it was.
    public static func now() -> DescriptorShortage? {
        let before = errno
        defer { errno = before }
        let descriptor = CLinux_open("/dev/null", O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return DescriptorShortage(code: CLinux_errno()) }
        close(descriptor)
        return nil
    }

    /// errno of a call that it fails.
    public var code: Int32 {
        switch self {
        case .process: EMFILE
        case .machine: ENFILE
        }
    }

    public var description: String {
        switch self {
        case .process(let limit): "this process has all of its \(limit) file descriptors open; \(advice)"
        case .machine: "this machine has no file descriptor left; \(advice)"
        }
    }

    /// What an operator can do.
    public var advice: String {
        switch self {
        case .process: "raise its limit (LimitNOFILE= of the unit, `ulimit -n` of a shell)"
        case .machine: "raise fs.file-max, or end what holds them"
        }
    }
}

extension SystemCallError {
    /// The call failed for want of a descriptor.
    public var shortage: DescriptorShortage? { DescriptorShortage(code: code) }

    /// What an operator can do: `usual`, unless a descriptor was all that was missing.
    public func advice(_ usual: String) -> String { shortage?.advice ?? usual }
}
