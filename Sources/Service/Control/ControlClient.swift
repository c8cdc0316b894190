import CLinux
import Clocks
import Concurrency
import Glibc
package import JSON

/// Asks a running daemon over its control socket, a connection for each question.
package struct ControlClient: Sendable {
    package let path: String
    /// For the whole answer: a full check or a backup of millions of jobs takes its time.
    private let timeout: Duration
    private static let chunk = 64 << 10
    /// Pages of results are the largest answers.
    private static let longestAnswer = 64 << 20

    package init(path: String, timeout: Duration = .seconds(600)) {
        self.path = path
        self.timeout = timeout
    }

    package func perform(
        _ name: String, _ arguments: JSONValue = .object([])
    ) async throws(ControlError) -> JSONValue {
        let request = ControlRequest(name: name, arguments: arguments)
        let result = await withCheckedContinuation {
            (reply: CheckedContinuation<Result<JSONValue, ControlError>, Never>) in
            do throws(SystemCallError) {
                _ = try NativeThread(name: "control client", detached: true) {
                    reply.resume(returning: exchange(request))
                }
            } catch {
                reply.resume(returning: .failure(.broken(path: path, detail: error.description)))
            }
        }
        return try result.get()
    }

    private func exchange(_ request: ControlRequest) -> Result<JSONValue, ControlError> {
        do throws(ControlError) {
            let descriptor = try connect()
            defer { close(descriptor) }
            try send(request.line + [UInt8(ascii: "\n")], to: descriptor)
            switch ControlResponse(line: try receive(from: descriptor)) {
            case .answer(let value): return .success(value)
            case .refusal(let code, let message): return .failure(.refused(code: code, message: message))
            case nil: return .failure(.broken(path: path, detail: "what it answered is no response"))
            }
        } catch {
            return .failure(error)
        }
    }

    private func connect() throws(ControlError) -> Int32 {
        guard let address = UnixSocketAddress(path: path) else {
            throw .broken(path: path, detail: "a socket's path has at most 107 bytes")
        }
        let descriptor = UnixSocketAddress.makeSocket()
        guard descriptor >= 0 else { throw broken("making a socket") }
        guard address.with({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
            let code = CLinux_errno()
            close(descriptor)
            switch code {
            case ENOENT, ECONNREFUSED, ENOTDIR: throw .notRunning(path: path)
            case EACCES, EPERM: throw .noPermission(path: path)
            default: throw .broken(path: path, detail: SystemCallError("connecting", code: code).description)
            }
        }
        return descriptor
    }

    private func send(_ bytes: [UInt8], to descriptor: Int32) throws(ControlError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
            } else if CLinux_errno() != EINTR {
                throw broken("asking")
            }
        }
    }

    private func receive(from descriptor: Int32) throws(ControlError) -> [UInt8] {
        let clock = SystemTimeSource()
        let deadline = clock.now() + timeout
        var buffer = LineBuffer(longest: Self.longestAnswer)
        var chunk = [UInt8](repeating: 0, count: Self.chunk)
        while true {
            if let line = buffer.next() { return line }
            guard !buffer.isOverlong else { throw .broken(path: path, detail: "the answer is too long") }
            let left = deadline - clock.now()
            var readable = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard left > .zero, poll(&readable, 1, Int32(clamping: left.milliseconds + 1)) != 0 else {
                throw .broken(path: path, detail: "no answer within \(Int(timeout.inSeconds)) s")
            }
            let count = read(descriptor, &chunk, chunk.count)
            if count > 0 {
                buffer.append(chunk[..<count])
            } else if count == 0 {
                throw .broken(path: path, detail: "the daemon ended before it had answered")
            } else if CLinux_errno() != EINTR {
                throw broken("reading the answer")
            }
        }
    }

    /// Takes errno, so it must be made directly after the call.
    private func broken(_ attempted: String) -> ControlError {
        .broken(path: path, detail: SystemCallError(attempted).description)
    }
}

/// Why a question to the daemon has no answer.
package enum ControlError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no socket, or nobody listens on it.
    case notRunning(path: String)
    case noPermission(path: String)
    /// The daemon heard it and says no.
    case refused(code: String, message: String)
    /// The connection broke, or the answer took too long.
    case broken(path: String, detail: String)

    package var description: String {
        switch self {
        case .notRunning(let path): "no daemon listens on \(path)"
        case .noPermission(let path):
            "control socket \(path) is not for this user: be of the daemon's group, or root"
        case .refused(_, let message): message
        case .broken(let path, let detail): "control socket \(path): \(detail)"
        }
    }
}
