import CLinux
import Clocks
import Concurrency
package import Foundation

/// A program that a test runs. It dies with the test process, whatever becomes of that.
///
/// Not by Foundation's `Process`: its `run` reads past the end of the directory of descriptors when some fourteen
/// hundred are open, as here where hundreds of tests run at once, and now and then that is the end of the heap.
package final class ChildProcess: Sendable {
    package let pid: Int32
    package let output: URL
    private let ended: Ended

    /// Runs `arguments` with exactly this environment added to a plain one; both streams go to the file `output`. Of
    /// ours it gets a sanitizer's options alone: without them its reports would be lost among its own words.
    package init(_ arguments: [String], environment: [String: String] = [:], output: URL) throws {
        self.output = output
        let message = ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--"] + arguments
        var plain = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"]
        plain.merge(ProcessInfo.processInfo.environment.filter { $0.key.hasSuffix("SAN_OPTIONS") }) { $1 }
        plain.merge(environment) { $1 }
        let variables = plain.map { "\($0)=\($1)" }
        // The signal comes when the thread that started the child ends, not the process: so a thread that stays.
        let started = DispatchSemaphore(value: 0)
        let outcome = Lock<Result<Int32, SystemCallError>?>(nil)
        let ended = Ended()
        self.ended = ended
        _ = try NativeThread(name: "child", detached: true) {
            let spawned = Result { () throws(SystemCallError) in
                try Self.spawn(message, environment: variables, output: output.path)
            }
            outcome.withLock { $0 = spawned }
            started.signal()
            if case .success(let pid) = spawned { ended.wait(for: pid) }
        }
        started.wait()
        guard let spawned = outcome.withLock({ $0 }) else { preconditionFailure("the child's thread says how it went") }
        pid = try spawned.get()
    }

    deinit { signal(SIGKILL) }

    package var isRunning: Bool { ended.ending == nil }
    /// What it has printed; while it runs, the lines that it has finished.
    package var text: String {
        // Asked first: what is read after its end is all.
        let isOver = !isRunning
        guard let bytes = try? Data(contentsOf: output) else { return "" }
        guard !isOver else { return String(decoding: bytes, as: UTF8.self) }
        return String(decoding: bytes[..<finishedEnd(of: bytes)], as: UTF8.self)
    }

    package func signal(_ number: Int32) { ended.signal(number, to: pid) }

    /// How long whatever must happen is waited for, here and by tests of programs: longer than it takes on a slow machine
    /// that does much else, because it only ends what would hang for ever.
    package static let timeout = 300.0

    /// How it ended, or nil if it still runs after `seconds`.
    package func wait(seconds: Double = timeout) async -> Ending? {
        let deadline = Date().addingTimeInterval(seconds)
        while true {
            if let ending = ended.ending { return ending }
            guard Date() < deadline else { return nil }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    package enum Ending: Equatable, Sendable {
        case exited(Int32)
        case signalled(Int32)
    }

    /// Runs a program to its end and gives what it printed.
    @discardableResult
    package static func run(
        _ arguments: [String], environment: [String: String] = [:], seconds: Double = timeout
    ) async throws -> (ending: Ending?, text: String) {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("run-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let child = try ChildProcess(arguments, environment: environment, output: file)
        let ending = await child.wait(seconds: seconds)
        if ending == nil { child.signal(SIGKILL) }
        return (ending, child.text)
    }

    /// Nothing is inherited but the streams: no descriptor, no blocked signal of the thread that starts it.
    private static func spawn(
        _ message: [String], environment: [String], output: String
    ) throws(SystemCallError) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        CLinux_close_from(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments = message.map { strdup($0) } + [nil]
        var variables = environment.map { strdup($0) } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var pid = pid_t()
        let code = posix_spawn(&pid, message[0], &actions, &attributes, &arguments, &variables)
        guard code == 0 else { throw SystemCallError("starting \(message.joined(separator: " "))", code: code) }
        return pid
    }
}

/// How a child ended, once it has. Its number is given free under the same lock that guards signals to it: none
/// reaches a stranger that has got the number since.
private final class Ended: Sendable {
    private let state = Lock<ChildProcess.Ending?>(nil)

    var ending: ChildProcess.Ending? { state.withLock { $0 } }

    func wait(for pid: Int32) {
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0 && CLinux_errno() == EINTR {}
        state.withLock { ending in
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            let signal = status & 0x7f
            ending = signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
        }
    }

    func signal(_ number: Int32, to pid: Int32) {
        state.withLock { if $0 == nil { kill(pid, number) } }
    }
}
