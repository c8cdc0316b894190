import CLinux

/// How many descriptors this process may have open at once: RLIMIT_NOFILE of getrlimit(2).
public struct DescriptorLimit: Equatable, Sendable {
    /// What holds; the process may raise it up to the other.
    public let soft: UInt64
    public let hard: UInt64

    public init(soft: UInt64, hard: UInt64) {
        self.soft = soft
        self.hard = hard
    }

    public static func current() throws(SystemCallError) -> DescriptorLimit {
        var limit = CLinux_limit()
        guard CLinux_get_descriptor_limit(&limit) == 0 else { throw SystemCallError("getrlimit(RLIMIT_NOFILE)") }
        return DescriptorLimit(soft: limit.soft, hard: limit.hard)
    }

    // Written once, by whoever raises the limit, before there are other threads.
    private static let before = Lock<UInt64?>(nil)

    /// The soft limit that this process was born with, if it has raised it: what programs that it starts get.
    public static var softBeforeRaise: UInt64? { before.withLock { $0 } }

    /// Raises the soft limit to the hard one, for this process alone: see `softBeforeRaise`. Returns what holds now.
    @discardableResult
    public static func raise() throws(SystemCallError) -> DescriptorLimit {
        let limit = try current()
        guard limit.soft < limit.hard else { return limit }
        var raised = CLinux_limit(soft: limit.hard, hard: limit.hard)
        guard CLinux_set_descriptor_limit(&raised) == 0 else { throw SystemCallError("setrlimit(RLIMIT_NOFILE)") }
        before.withLock { $0 = $0 ?? limit.soft }
        return DescriptorLimit(soft: limit.hard, hard: limit.hard)
    }
}
