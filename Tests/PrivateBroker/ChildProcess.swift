public import Foundation
import Threads

/// A program that a test runs. It dies with the test process, whatever becomes of that.
public final class ChildProcess: @unchecked Sendable {
    // Started by a thread of its own, which waits for its end; then only asked. Never from two threads at once.
    private let process = Process()
    public let output: URL

    /// Runs `arguments` with exactly this environment added to a plain one; both streams go to the file `output`.
    public init(_ arguments: [String], environment: [String: String] = [:], output: URL) throws {
        self.output = output
        _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        let file = try FileHandle(forWritingTo: output)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        process.arguments = ["--pdeathsig", "KILL", "--"] + arguments
        var plain = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"]
        plain.merge(environment) { $1 }
        process.environment = plain
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = file
        process.standardError = file
        // The signal comes when the thread that started the child ends, not the process: so a thread that stays.
        let started = DispatchSemaphore(value: 0)
        let failure = Lock<(any Error)?>(nil)
        let keeper = Keeper(process)
        _ = try NativeThread(name: "child", detached: true) {
            // A child inherits the mask, and this thread's blocks everything.
            var none = sigset_t()
            sigemptyset(&none)
            pthread_sigmask(SIG_SETMASK, &none, nil)
            do { try keeper.process.run() } catch { failure.withLock { $0 = error } }
            started.signal()
            if keeper.process.isRunning { keeper.process.waitUntilExit() }
        }
        started.wait()
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private struct Keeper: @unchecked Sendable {
        let process: Process
        init(_ process: Process) { self.process = process }
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    public var pid: Int32 { process.processIdentifier }
    public var isRunning: Bool { process.isRunning }
    public var text: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

    public func signal(_ number: Int32) {
        if process.isRunning { kill(process.processIdentifier, number) }
    }

    /// How it ended, or nil if it still runs after `seconds`.
    public func wait(seconds: Double) async -> Ending? {
        let deadline = Date().addingTimeInterval(seconds)
        while process.isRunning {
            guard Date() < deadline else { return nil }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return process.terminationReason == .exit
            ? .exited(process.terminationStatus) : .signalled(process.terminationStatus)
    }

    public enum Ending: Equatable, Sendable {
        case exited(Int32)
        case signalled(Int32)
    }

    /// Runs a program to its end and gives what it printed.
    @discardableResult
    public static func run(
        _ arguments: [String], environment: [String: String] = [:], seconds: Double = 60
    ) async throws -> (ending: Ending?, text: String) {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("run-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let child = try ChildProcess(arguments, environment: environment, output: file)
        let ending = await child.wait(seconds: seconds)
        if ending == nil { child.signal(SIGKILL) }
        return (ending, child.text)
    }
}
