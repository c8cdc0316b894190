import Clocks
import Concurrency
import ScriptedPeer
import Testing

@testable import PostgresLedger

/// What can go wrong before a connection is one.
@Suite struct ConnectingTests {
    private func url(_ port: UInt16) -> String { "postgresql://w@127.0.0.1:\(port)/ledger" }

    @Test func theServerHearsWhoComes() async throws {
        let said = Lock<[String: String]>([:])
        try await RawPeer.serving { peer in
            let parameters = try peer.readPostgresStartup()
            said.withLock { $0 = parameters }
        } _: { peer in
            let error = try await failure(configuration(url(peer.port)))
            #expect(error.kind == .unavailable, "it hung up")
        }
        #expect(
            said.withLock { $0 } == [
                "user": "w", "database": "ledger", "application_name": "leave-albumd", "client_encoding": "UTF8",
            ], "a pooler refuses anything else")
    }

    @Test(arguments: [false, true]) func aServerThatSaysNothingIsLeftWhenTheTimeIsOver(afterLogin: Bool) async throws {
        try await RawPeer.serving { peer in
            _ = try peer.readPostgresStartup()
            if afterLogin { try peer.send(.authenticated, .ready) }
            try peer.readToEnd()
        } _: { peer in
            let error = try await failure(configuration(url(peer.port)) { $0.connectTimeout = .milliseconds(300) })
            #expect(error.kind == .unavailable && error.message.hasPrefix("no answer"), "\(error)")
            #expect(try socketsOpen(to: Int(peer.port)) == 0)
        }
    }

    @Test func aPortThatSwallowsConnectionsIsLeftToo() async throws {
        try await RawPort.stalling { port in
            let error = try await failure(configuration(url(port)) { $0.connectTimeout = .milliseconds(300) })
            #expect(error.kind == .unavailable && "\(error)".contains("connecting to its port"), "\(error)")
        }
    }

    @Test func aPortWhereNobodyListensIsUnavailable() async throws {
        try await RawPort.refusing { port in
            let error = try await failure(configuration(url(port)))
            #expect(error.kind == .unavailable && error.message.contains("Connection refused"), "\(error)")
            #expect("\(error)".hasPrefix("connecting at 127.0.0.1:\(port), database ledger: "), "\(error)")
        }
    }

    @Test func aNameThatIsNotThereIsUnavailable() async throws {
        let error = try await failure(configuration("postgresql://w@no-such-host.invalid/ledger"))
        #expect(error.kind == .unavailable && error.message.hasPrefix("hostname lookup failed"), "\(error)")
    }

    @Test func aSocketThatIsNotThereIsUnavailable() async throws {
        let error = try await failure(configuration("postgresql://w@%2Fno%2Fsuch/ledger"))
        #expect(error.kind == .unavailable && error.endpoint.hasPrefix("socket /no/such"), "\(error)")
    }

    /// Each host is an attempt of its own; libpq never goes on to the next by itself.
    @Test func aHostThatTakesNoWritesIsLeftForTheNext() async throws {
        try await RawPeer.serving { peer in
            try peer.acceptPostgres(readOnly: "on")
            _ = try peer.readToEnd()
        } _: { standby in
            try await RawPeer.serving { peer in
                try peer.acceptPostgres()
                _ = try peer.readToEnd()
            } _: { primary in
                let both = try configuration(
                    "postgresql://w@127.0.0.1:\(standby.port),127.0.0.1:\(primary.port)/ledger")
                let error = try await failure(both)
                #expect(error.kind == .unavailable && error.state == "25006", "\(error)")
                #expect(primary.connections.isEmpty)
                let endpoint = try await onThread {
                    var rotation = HostRotation(both.url.hosts)
                    _ = rotation.fail(at: SystemTimeSource().now())
                    return try PostgresConnection.open(to: rotation.current, both).endpoint
                }
                #expect(endpoint == "127.0.0.1:\(primary.port), database ledger")
                #expect(try socketsOpen(to: Int(standby.port)) + socketsOpen(to: Int(primary.port)) == 0)
            }
        }
    }

    @Test(arguments: [
        ("53300", PostgresError.Kind.unavailable), ("57P03", .unavailable), ("28000", .refusedConfiguration),
    ])
    func aRefusalHasItsCodeAlsoBeforeTheLogin(state: String, kind: PostgresError.Kind) async throws {
        try await RawPeer.serving { peer in
            _ = try peer.readPostgresStartup()
            try peer.send(.error("FATAL", state, "not now"))
        } _: { peer in
            let error = try await failure(configuration(url(peer.port)))
            #expect(error.state == state && error.kind == kind && error.message == "not now", "\(error)")
        }
    }

    @Test(arguments: [("client_encoding", "LATIN1"), ("integer_datetimes", "off")])
    func aServerThatMeansOtherBytesIsRefused(name: String, value: String) async throws {
        try await RawPeer.serving { peer in
            _ = try peer.readPostgresStartup()
            try peer.send(.authenticated, .parameter(name, value), .ready)
            try peer.readToEnd()
        } _: { peer in
            let error = try await failure(configuration(url(peer.port)))
            #expect(error.kind == .refusedConfiguration && error.message.contains("its \(name) is \(value)"))
        }
    }

    @Test func whoeverDoesNotSpeakPostgreSQLIsLeft() async throws {
        try await RawPeer.serving { peer in
            _ = try peer.readPostgresStartup()
            try peer.write("HTTP/1.1 400 Bad Request\r\n\r\n")
            try peer.readToEnd()
        } _: { peer in
            let error = try await failure(configuration(url(peer.port)))
            #expect(error.kind == .unavailable)
        }
    }

    @Test func aPasswordThatCannotBeReadIsRefusedByItsFile() async throws {
        struct Unreadable: Error, CustomStringConvertible { let description = "/etc/pw: it cannot be read" }
        let made = try PostgresConfiguration(PostgresURL(url(1)), password: { throw Unreadable() })
        let error = try await failure(made)
        #expect(error.kind == .refusedConfiguration && error.message == "/etc/pw: it cannot be read")
        let zero = try await failure(configuration(url(1), password: "a\0b"))
        #expect(zero.kind == .refusedConfiguration && !"\(zero)".contains("a\0b"), "\(zero)")
    }

    /// A server without TLS gets nothing to read.
    @Test func aServerWithoutTLSIsRefusedBeforeALogin() async throws {
        let received = Lock<[UInt8]>([])
        try await RawPeer.serving { peer in
            // SSLRequest: its length and its code.
            _ = try peer.read(count: 8)
            try peer.write("N")
            let bytes = try peer.readToEnd()
            received.withLock { $0 = bytes }
        } _: { peer in
            let error = try await failure(configuration(url(peer.port) + "?sslmode=verify-full", password: "secret"))
            #expect(error.kind == .refusedConfiguration && error.message.contains("SSL"), "\(error)")
        }
        #expect(received.withLock { $0 } == [])
    }
}
