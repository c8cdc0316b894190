import CLinux
import Concurrency
import Glibc

/// A folder that goes with its owner, and a short name for a socket in it.
final class SocketFolder: Sendable {
    let path: String
    var socket: String { path + "/control.sock" }

    init() {
        var template = Array("/tmp/control-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? ""
    }

    deinit {
        unlink(socket)
        rmdir(path)
    }
}

/// The other end of a control socket, without manners.
final class RawSocket: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    convenience init(_ path: String) throws {
        self.init(descriptor: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        guard Self.with(path, { connect(descriptor, $0, $1) }) == 0 else { throw SystemCallError("connecting") }
    }

    convenience init(listening path: String) throws {
        self.init(descriptor: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        guard Self.with(path, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 1) == 0 else {
            throw SystemCallError("listening")
        }
    }

    private static func with(_ path: String, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                call($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    func accept() async -> RawSocket {
        await onAThread { RawSocket(descriptor: Glibc.accept(self.descriptor, nil, nil)) }
    }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Without its end; empty when the connection is over.
    func readLine() async -> String {
        await onAThread {
            var line: [UInt8] = []
            var byte: UInt8 = 0
            while recv(self.descriptor, &byte, 1, 0) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
            return String(decoding: line, as: UTF8.self)
        }
    }

    func close() { Glibc.close(descriptor) }
}

/// Closed until somebody opens it.
final class Gate: Sendable {
    private let state = Lock<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

/// For what waits, which a task must not: the handlers that it waits for need the same few threads.
func onAThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { done in
        _ = try? NativeThread(name: "test", detached: true) { done.resume(returning: body()) }
    }
}
