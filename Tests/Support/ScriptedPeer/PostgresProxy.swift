import CLinux
import Concurrency
import Glibc

/// Stands between a client and a real PostgreSQL server, and does to a batch what a network or a server may do to it at
/// the worst moment. It speaks the protocol one batch at a time, as the client does.
package enum PostgresProxy {
    package enum Action: Sendable {
        case pass
        /// The server never hears of the batch; the client's connection ends.
        case swallow
        /// The server does the batch; its answer never comes, and the client's connection ends.
        case loseAnswer
        /// The server does the batch, and warns that its replica may not have it.
        case warn(state: String)
        /// The server never hears of the batch, and the client is told that it was undone.
        case fail(state: String)
    }

    /// A script for `RawPeer`: what is to be done with a batch, by the names of its statements. It may block.
    package static func script(
        to port: Int, _ decide: @escaping @Sendable (_ statements: [String]) throws -> Action
    ) -> RawPeer.Script {
        { client in
            let server = try RawConnection.connecting(to: UInt16(port))
            defer { server.close() }
            try server.write(client.readPostgresStartupBytes())
            try client.write(server.readPostgresAnswer().flatMap(\.bytes))
            while true {
                let batch = try client.readPostgresBatch()
                let action = batch.contains { $0.kind == "X" } ? .swallow : try decide(names(in: batch))
                switch action {
                case .pass:
                    try server.write(batch.flatMap(\.bytes))
                    try client.write(server.readPostgresAnswer().flatMap(\.bytes))
                case .swallow: return
                case .loseAnswer:
                    try server.write(batch.flatMap(\.bytes))
                    _ = try server.readPostgresAnswer()
                    return
                case .warn(let state):
                    try server.write(batch.flatMap(\.bytes))
                    let answer = try server.readPostgresAnswer()
                    let notice = PostgresPeerMessage.notice("WARNING", state, "the replica may not have it")
                    try client.write((answer.dropLast() + [notice] + answer.suffix(1)).flatMap(\.bytes))
                case .fail(let state):
                    try client.send(.error("ERROR", state, "it was undone"), .ready)
                }
            }
        }
    }

    /// A script that passes each batch on to the server at the port that `route` names for it, as a pooler does between
    /// transactions: what the client has prepared is prepared there as well. The first time `route` is asked for the login.
    package static func pooling(_ route: @escaping @Sendable (_ statements: [String]) -> Int) -> RawPeer.Script {
        { client in
            let startup = try client.readPostgresStartupBytes()
            var port = route([])
            var server = try RawConnection.connecting(to: UInt16(port))
            defer { server.close() }
            try server.write(startup)
            try client.write(server.readPostgresAnswer().flatMap(\.bytes))
            var prepared: [PostgresPeerMessage] = []
            while true {
                let batch = try client.readPostgresBatch()
                let next = route(names(in: batch))
                if next != port {
                    server.close()
                    port = next
                    server = try RawConnection.connecting(to: UInt16(port))
                    try server.write(startup)
                    _ = try server.readPostgresAnswer()
                    try server.write((prepared + [PostgresPeerMessage("S")]).flatMap(\.bytes))
                    _ = try server.readPostgresAnswer()
                }
                prepared += batch.filter { $0.kind == "P" }
                try server.write(batch.flatMap(\.bytes))
                try client.write(server.readPostgresAnswer().flatMap(\.bytes))
            }
        }
    }

    /// Of the statements that are run, in their order.
    private static func names(in batch: [PostgresPeerMessage]) -> [String] {
        batch.filter { $0.kind == "B" }.map { bind in
            // A portal's name, which is empty, and the statement's.
            String(decoding: bind.payload.drop { $0 != 0 }.dropFirst().prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}

extension RawConnection {
    /// A connection of the test's own to a server on this machine.
    package static func connecting(to port: UInt16) throws -> RawConnection {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemCallError("socket") }
        var address = RawPeer.loopback(port: port)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        guard RawPeer.withSocketAddress(&address, { connect(descriptor, $0, size) }) == 0 else {
            Glibc.close(descriptor)
            throw SystemCallError("connect")
        }
        return RawConnection(descriptor, number: 0)
    }

    /// What the client says first, as it is.
    func readPostgresStartupBytes() throws(RawPeerFault) -> [UInt8] {
        let head = try read(count: 4)
        return head + (try read(count: head.reduce(0) { $0 << 8 | Int($1) } - 4))
    }

    /// Up to and with the server's readiness.
    func readPostgresAnswer() throws(RawPeerFault) -> [PostgresPeerMessage] {
        var messages: [PostgresPeerMessage] = []
        repeat { messages.append(try readPostgresMessage()) } while messages.last?.kind != "Z"
        return messages
    }
}
