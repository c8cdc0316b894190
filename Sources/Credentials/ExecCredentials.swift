import CLinux
import Glibc
public import Jobs
public import Secrets
public import Threads

/// Access tokens of a program of the operator's own: the question on its standard input, one JSON object on its
/// standard output, its exit status for the rest. No shell, a clean environment.
public struct ExecCredentials: CredentialProvider {
    private let cache: TokenCache

    /// `command`: the program's absolute path and its arguments.
    public init(
        command: [String], timeout: Duration = .seconds(10), configuration: TokenCache.Configuration = .init(),
        clock: any Timekeeper = SystemTimekeeper()
    ) {
        precondition(!command.isEmpty, "the settings guarantee a program")
        cache = TokenCache(
            ExecSource(command: command, timeout: timeout, clock: clock), configuration: configuration, clock: clock)
    }

    public func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
        await cache.token(for: account, rejecting: rejected)
    }
}

/// Runs the program, at most four at once: more would fork the machine to death when a thousand accounts come.
actor ExecSource: TokenSource {
    private let command: [String]
    private let timeout: Duration
    private let clock: any Timekeeper
    private var running = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    private static let atOnce = 4
    private static let longestAnswer = 64 << 10
    private static let longestComplaint = 4 << 10
    /// Between TERM and KILL.
    private static let grace = Duration.seconds(1)

    init(command: [String], timeout: Duration, clock: any Timekeeper) {
        self.command = command
        self.timeout = timeout
        self.clock = clock
    }

    private var who: String { command[0] }

    func fetch(_ account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
        if running == Self.atOnce {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            running += 1
        }
        let question = TokenServiceWords.question(account, rejecting: rejected)
        let (command, timeout, clock) = (self.command, self.timeout, self.clock)
        var outcome = await NativeThread.offload("exec") {
            Self.run(command, question, timeout: timeout, clock: clock)
        }
        if waiting.isEmpty { running -= 1 } else { waiting.removeFirst().resume() }
        return answer(&outcome, account, rejected)
    }

    private func answer(_ outcome: inout Outcome, _ account: AccountID, _ rejected: SHA256Digest?) -> TokenAnswer {
        let complaint = DetailText.scrubbed(
            String(decoding: Redaction.hidingOpaqueWords(outcome.complaint), as: UTF8.self))
        let detail = complaint.isEmpty ? "" : ": \(complaint)"
        switch outcome.ending {
        case .failed(let error): return .misconfigured("\(who) cannot be run: \(error)")
        case .timedOut: return .unavailable("\(who) did not answer in \(Int(timeout.inSeconds)) s", retryAfter: nil)
        case .tooLong: return .misconfigured("\(who) wrote more than \(Self.longestAnswer >> 10) KiB")
        case .signalled(let signal):
            return .unavailable("\(who) was ended by signal \(signal)\(detail)", retryAfter: nil)
        case .exited(0): return TokenServiceWords.token(&outcome.answer, of: account, rejecting: rejected, who: who)
        case .exited(2): return .notFound
        case .exited(3): return .grantRevoked("\(who) says so\(detail)")
        case .exited(4): return .scopeMissing("\(who) says so\(detail)")
        case .exited(5): return .accountBlocked("\(who) says so\(detail)")
        case .exited(75): return .unavailable("\(who) says to try again\(detail)", retryAfter: nil)
        case .exited(let status): return .misconfigured("\(who) exited with \(status)\(detail)")
        }
    }

    // MARK: The program

    private enum Ending: Sendable {
        case exited(Int32)
        case signalled(Int32)
        case timedOut
        case tooLong
        case failed(SystemCallError)
    }

    private struct Outcome: Sendable {
        var ending: Ending
        var answer: [UInt8] = []
        var complaint: [UInt8] = []
    }

    private static func run(
        _ command: [String], _ question: [UInt8], timeout: Duration, clock: any Timekeeper
    ) -> Outcome {
        var child = CLinux_child()
        var words = command.map { strdup($0) as UnsafeMutablePointer<CChar>? } + [nil]
        defer { words.forEach { free($0) } }
        let code = CLinux_spawn(&words, &child)
        guard code == 0 else { return Outcome(ending: .failed(SystemCallError("starting it", code: code))) }
        defer {
            close(child.output)
            close(child.complaint)
        }
        // A question is far smaller than a pipe: it is there at once, or the program has closed its end.
        _ = write(child.input, question, question.count)
        close(child.input)
        var outcome = Outcome(ending: .timedOut)
        let isRead = read(child, into: &outcome, until: clock.now() + timeout, clock: clock)
        var status: Int32 = 0
        if isRead, case .timedOut = outcome.ending {
            outcome.ending =
                wait(child.pid, &status, until: clock.now() + timeout, clock: clock) ? ending(status) : .timedOut
        }
        switch outcome.ending {
        case .timedOut, .tooLong:
            // With what it may have started: it leads a group of its own.
            kill(-child.pid, SIGTERM)
            if !wait(child.pid, &status, until: clock.now() + grace, clock: clock) {
                kill(-child.pid, SIGKILL)
                waitpid(child.pid, &status, 0)
            }
        case .exited, .signalled, .failed: break
        }
        return outcome
    }

    /// Until both ends are closed. False if that took too long, or was too much.
    private static func read(
        _ child: CLinux_child, into outcome: inout Outcome, until deadline: MonotonicTime, clock: any Timekeeper
    ) -> Bool {
        var open = [child.output, child.complaint]
        var chunk = [UInt8](repeating: 0, count: 4096)
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
                    outcome.answer += chunk[..<count]
                    guard outcome.answer.count <= longestAnswer else {
                        outcome.ending = .tooLong
                        return false
                    }
                } else {
                    outcome.complaint += chunk[..<count].prefix(max(0, longestComplaint - outcome.complaint.count))
                }
            }
        }
        return true
    }

    /// False if it still runs then.
    private static func wait(
        _ pid: pid_t, _ status: inout Int32, until deadline: MonotonicTime, clock: any Timekeeper
    ) -> Bool {
        while waitpid(pid, &status, WNOHANG) == 0 {
            guard clock.now() < deadline else { return false }
            usleep(2_000)
        }
        return true
    }

    private static func ending(_ status: Int32) -> Ending {
        status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f)
    }
}
