import Glibc
import Testing

@testable import Service

/// The manager's socket, opened once: a daemon without descriptors feeds its watchdog all the same.
@Suite struct NotifySocketTests {
    /// The manager's end.
    private func listening(_ name: String, _ body: (Int32) throws -> Void) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = socklen_t(2 + bytes.count)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        try #require(code == 0)
        try body(descriptor)
    }

    private func next(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 1_000)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    @Test func everyDatagramArrivesOverTheOneSocket() throws {
        let folder = SocketFolder()
        for name in [folder.socket, "@leave-albumd-test-\(getpid())"] {
            try listening(name) { descriptor in
                let socket = try #require(NotifySocket(name: name))
                socket.send("READY=1\nSTATUS=all is well")
                socket.send("WATCHDOG=1")
                #expect(next(descriptor) == "READY=1\nSTATUS=all is well")
                #expect(next(descriptor) == "WATCHDOG=1")
            }
        }
    }

    /// As systemd does when it is started anew.
    @Test func aManagerThatListensAgainHears() throws {
        let folder = SocketFolder()
        let socket = try #require(NotifySocket(name: folder.socket))
        socket.send("nobody listens")
        for _ in 0..<2 {
            try listening(folder.socket) { descriptor in
                socket.send("WATCHDOG=1")
                #expect(next(descriptor) == "WATCHDOG=1")
            }
            unlink(folder.socket)
        }
    }

    @Test func otherKindsAreLeftToTheLibrary() {
        for name in ["", "vsock:2:1234", "relative", "/" + String(repeating: "x", count: 200)] {
            #expect(NotifySocket(name: name) == nil)
        }
    }
}
