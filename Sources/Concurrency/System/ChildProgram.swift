import CLinux
public import Clocks
import Glibc

/// Runs a program to its end, or to a limit, and gives what it wrote. No shell; a group of its own, so that what it
/// starts ends with it.
public struct ChildProgram: Sendable {
    public enum Termination: Equatable, Sendable {
        case exited(Int32)
        case signalled(Int32)
        case timedOut
        /// It wrote more than `longestOutput`.
        case tooLong
        case failed(SystemCallError)
    }

    public struct Outcome: Sendable {
        public var termination: Termination
        /// Its standard output, at most `longestOutput` bytes.
        public var output: [UInt8] = []
        /// Its standard error, cut.
        public var standardError: [UInt8] = []
    }

    /// The program's absolute path and its arguments.
    public let command: [String]
    /// From its start to its end.
    public let timeout: Duration
    public let longestOutput: Int
    /// Whether it gets this process's environment; else a search path and a locale and nothing besides.
    public let inheritsEnvironment: Bool
    /// How many descriptors it may have open, where this process's limit is not its own: a program that closes all it
    /// may have, or that uses select(2), is not ready for the many that a daemon asks for.
    public let descriptorLimit: UInt64?

    /// An error is told in a sentence or two; what follows is not worth its bytes.
    private static let longestStandardError = 4 << 10
    /// Between TERM and KILL.
    private static let grace = Duration.seconds(1)
    /// From one look to the next whether a program has ended, where no descriptor is free that would tell: it has
    /// closed its outputs, or was told to end, so that is soon.
    private static let checkInterval = Duration.milliseconds(2)

    public init(
        _ command: [String], timeout: Duration, longestOutput: Int, inheritsEnvironment: Bool = false,
        descriptorLimit: UInt64? = DescriptorLimit.softBeforeRaise
    ) {
        precondition(!command.isEmpty, "the caller names a program")
        self.command = command
        self.timeout = timeout
        self.longestOutput = longestOutput
        self.inheritsEnvironment = inheritsEnvironment
        self.descriptorLimit = descriptorLimit
    }

    /// Writes `input`, which must fit into a pipe, and waits. It blocks: never from a task.
    public func run(input: [UInt8] = [], clock: any TimeSource = SystemTimeSource()) -> Outcome {
        var child = CLinux_child()
        var message = command.map { strdup($0) as UnsafeMutablePointer<CChar>? } + [nil]
        defer { message.forEach { free($0) } }
        let environment = inheritsEnvironment ? CLinux_environment() : nil
        let code = CLinux_spawn(&message, environment, descriptorLimit ?? 0, &child)
        guard code == 0 else { return Outcome(termination: .failed(SystemCallError("starting it", code: code))) }
        defer {
            close(child.output)
            close(child.standardError)
        }
        // It is there at once, or the program has closed its end.
        if !input.isEmpty { _ = write(child.input, input, input.count) }
        close(child.input)
        let deadline = clock.now() + timeout
        var outcome = Outcome(termination: .timedOut)
        let isRead = read(child, into: &outcome, until: deadline, clock: clock)
        var status: Int32 = 0
        if isRead, outcome.termination == .timedOut {
            outcome.termination =
                Self.wait(child.pid, &status, until: deadline, clock: clock) ? Self.termination(status) : .timedOut
        }
        switch outcome.termination {
        case .timedOut, .tooLong:
            // With what it may have started: it leads a group of its own.
            kill(-child.pid, SIGTERM)
            if !Self.wait(child.pid, &status, until: clock.now() + Self.grace, clock: clock) {
                kill(-child.pid, SIGKILL)
                waitpid(child.pid, &status, 0)
            }
        case .exited, .signalled, .failed: break
        }
        return outcome
    }

    /// Until both ends are closed. False if that took too long, or was too much.
    private func read(
        _ child: CLinux_child, into outcome: inout Outcome, until deadline: MonotonicTime, clock: any TimeSource
    ) -> Bool {
        var open = [child.output, child.standardError]
        var chunk = [UInt8](repeating: 0, count: 4096)
        // It may have been a secret.
        defer { _ = chunk.withUnsafeMutableBytes { $0.initializeMemory(as: UInt8.self, repeating: 0) } }
        while !open.isEmpty {
            let left = deadline - clock.now()
            var ready = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard left > .zero, poll(&ready, nfds_t(ready.count), Int32(clamping: left.milliseconds + 1)) > 0 else {
                return false
            }
            for descriptor in ready where descriptor.revents != 0 {
                let count = Glibc.read(descriptor.fd, &chunk, chunk.count)
                if count <= 0 {
                    open.removeAll { $0 == descriptor.fd }
                } else if descriptor.fd == child.output {
                    outcome.output += chunk[..<count].prefix(longestOutput - outcome.output.count + 1)
                    guard outcome.output.count <= longestOutput else {
                        outcome.output.removeLast()
                        outcome.termination = .tooLong
                        return false
                    }
                } else {
                    let remaining = max(0, Self.longestStandardError - outcome.standardError.count)
                    outcome.standardError += chunk[..<count].prefix(remaining)
                }
            }
        }
        return true
    }

    /// False if it still runs then.
    private static func wait(
        _ pid: pid_t, _ status: inout Int32, until deadline: MonotonicTime, clock: any TimeSource
    ) -> Bool {
        let descriptor = CLinux_open_process(pid)
        defer { if descriptor >= 0 { close(descriptor) } }
        while waitpid(pid, &status, WNOHANG) == 0 {
            let left = deadline - clock.now()
            guard left > .zero else { return false }
            var ended = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            poll(&ended, 1, (descriptor >= 0 ? left : min(left, checkInterval)).pollTimeout)
        }
        return true
    }

    private static func termination(_ status: Int32) -> Termination {
        status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f)
    }
}
