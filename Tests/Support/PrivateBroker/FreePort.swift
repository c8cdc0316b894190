import CLinux
import Concurrency
import Glibc

// Ports that were given out and may not be bound yet.
private let given = Lock<Set<Int>>([])

/// A TCP port of 127.0.0.1 that nobody has at the moment, and that this process gives to nobody else. It is below those
/// that the kernel gives to connections and to whoever asks for any port: one of these could take it before it is used.
package func freePort() -> Int {
    for _ in 0..<1_000 {
        let port = Int.random(in: 20_000..<32_000)
        guard given.withLock({ !$0.contains(port) }), isFree(port) else { continue }
        if given.withLock({ $0.insert(port).inserted }) { return port }
    }
    preconditionFailure("the loopback has a free port")
}

private func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

/// Whether somebody listens there.
package func listens(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}
