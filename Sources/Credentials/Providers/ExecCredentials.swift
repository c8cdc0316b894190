package import Clocks
import Concurrency
import Glibc
package import Jobs
package import Secrets

/// Access tokens of a program of the operator's own: the question on its standard input, one JSON object on its
/// standard output, its exit status for the rest. No shell, a clean environment.
package struct ExecCredentials: CredentialProvider {
    private let cache: TokenCache

    /// What it may have open at once: for each program both ends of its three streams, and of a fourth while it starts.
    package static let mostDescriptors = 8 * ExecSource.atOnce

    /// `command`: the program's absolute path and its arguments.
    package init(
        command: [String], timeout: Duration = .seconds(10), configuration: TokenCache.Configuration = .init(),
        clock: any TimeSource = SystemTimeSource()
    ) {
        precondition(!command.isEmpty, "the settings guarantee a program")
        cache = TokenCache(
            ExecSource(command: command, timeout: timeout, clock: clock), configuration: configuration, clock: clock)
    }

    package func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
        await cache.token(for: account, rejecting: rejected)
    }

    package func stop() async { await cache.stop() }
}

/// Runs the program, at most four at once: more would fork the machine to death when a thousand accounts come.
actor ExecSource: TokenSource {
    private let command: [String]
    private let timeout: Duration
    private let clock: any TimeSource
    private var running = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    static let atOnce = 4
    private static let longestAnswer = 64 << 10

    init(command: [String], timeout: Duration, clock: any TimeSource) {
        self.command = command
        self.timeout = timeout
        self.clock = clock
    }

    private var who: String { command[0] }

    func fetch(
        _ account: AccountID, rejecting rejected: SHA256Digest?, holding held: SHA256Digest?
    ) async -> TokenAnswer {
        if running == Self.atOnce {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            running += 1
        }
        guard !Task.isCancelled else {
            passTurn()
            return .stopping
        }
        let question = OAuthErrorText.question(account, rejecting: rejected)
        let (command, timeout, clock) = (self.command, self.timeout, self.clock)
        var outcome = await NativeThread.offload("exec") {
            ChildProgram(command, timeout: timeout, longestOutput: Self.longestAnswer).run(
                input: question, clock: clock)
        }
        passTurn()
        return answer(&outcome, account, rejected)
    }

    private func passTurn() {
        if waiting.isEmpty { running -= 1 } else { waiting.removeFirst().resume() }
    }

    private func answer(_ outcome: inout ChildProgram.Outcome, _ account: AccountID, _ rejected: SHA256Digest?)
        -> TokenAnswer
    {
        let standardError = DetailText.scrubbed(
            String(decoding: Redaction.hidingOpaqueText(outcome.standardError), as: UTF8.self))
        let detail = standardError.isEmpty ? "" : ": \(standardError)"
        switch outcome.termination {
        case .failed(let error):
            let detail = "\(who) cannot be run: \(error)"
            return error.mayPass ? .unavailable(detail, retryAfter: nil) : .misconfigured(detail)
        case .timedOut: return .unavailable("\(who) did not answer in \(Int(timeout.inSeconds)) s", retryAfter: nil)
        case .tooLong: return .misconfigured("\(who) wrote more than \(Self.longestAnswer >> 10) KiB")
        case .signalled(let signal):
            return .unavailable("\(who) was ended by signal \(signal)\(detail)", retryAfter: nil)
        case .exited(0): return OAuthErrorText.token(&outcome.output, of: account, rejecting: rejected, who: who)
        case .exited(2): return .notFound
        case .exited(3): return .grantRevoked("\(who) says so\(detail)")
        case .exited(4): return .scopeMissing("\(who) says so\(detail)")
        case .exited(5): return .accountBlocked("\(who) says so\(detail)")
        case .exited(75): return .unavailable("\(who) says to try again\(detail)", retryAfter: nil)
        case .exited(let status): return .misconfigured("\(who) exited with \(status)\(detail)")
        }
    }
}

extension SystemCallError {
    /// Why a program does not start says something of this machine's hour: no descriptor, process or memory is free, or
    /// its file is just being written. Every other reason stands until an operator has done something.
    fileprivate var mayPass: Bool { shortage != nil || [EAGAIN, ENOMEM, ETXTBSY].contains(code) }
}
