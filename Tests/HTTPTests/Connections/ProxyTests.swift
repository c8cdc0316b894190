import Glibc
import HTTP
import ScriptedPeer
import Testing

@Suite(.timeLimit(.minutes(30))) struct ProxyTests {
    static func proxied(
        _ peer: RawPeer, caFile: String? = nil, connectTimeout: Duration = .seconds(5)
    ) -> HTTPConfiguration {
        HTTPConfiguration(
            connectTimeout: connectTimeout, caFile: caFile, proxy: "http://127.0.0.1:\(peer.port)")
    }

    /// Nothing listens there; the name is the certificate's.
    static let origin = "https://localhost:1/v1"

    @Test func plainRequestsGoToTheProxyWhole() async throws {
        try await RawPeer.serving { connection in
            _ = try connection.readRequest()
            try connection.answer()
            try connection.readToEnd()
        } _: { peer in
            // A name that libcurl's own list of exceptions would have.
            let request = HTTPRequest(.get, url: "http://localhost:1/v1")
            try await withEngine(Self.proxied(peer)) { try await $0.succeed(request) }
            #expect(peer.received.text.hasPrefix("GET http://localhost:1/v1 HTTP/1.1\r\n"))
        }
    }

    @Test func requestsWithTLSGoThroughATunnel() async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        let tunnels = RawCount()
        try await RawPeer.serving { connection in
            let head = try connection.readRequestHead()
            if head.requestLine == "CONNECT localhost:1 HTTP/1.1" { tunnels.add(1) }
            try connection.write("HTTP/1.1 200 Connected\r\nX-Proxy: a\r\n\r\n")
            try connection.startTLS(identity)
            _ = try connection.readRequest()
            try connection.answer(fields: ["X-Origin: b"])
            try connection.readToEnd()
        } _: { peer in
            let response = try await withEngine(Self.proxied(peer, caFile: identity.authorityFile)) {
                try await $0.send(HTTPRequest(.post, url: Self.origin)).response
            }
            #expect(response.status == 200)
            #expect(response.field("X-Origin") == "b")
            #expect(response.field("X-Proxy") == nil)
            #expect(tunnels.value == 1)
            #expect(peer.received.count(of: "POST /v1 HTTP/1.1") == 1)
        }
    }

    /// libcurl counts what it says to the proxy as sent, but the request has not left.
    @Test(
        arguments: [
            ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", HTTPFaultKind.proxy),
            ("HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n", .proxy),
            ("", .connectionLost),
        ])
    func aTunnelThatIsNotOpenedIsNotSent(answer: String, kind: HTTPFaultKind) async throws {
        try await RawPeer.serving { connection in
            _ = try connection.readRequestHead()
            try connection.write(answer)
        } _: { peer in
            let fault = try await withEngine(Self.proxied(peer)) {
                try await $0.send(HTTPRequest(.post, url: Self.origin)).notSentFault
            }
            #expect(fault.kind == kind)
            #expect(fault.sentBytes == 0)
        }
    }

    @Test func aTunnelThatStallsIsNotSent() async throws {
        try await RawPeer.serving { connection in
            try connection.readToEnd()
        } _: { peer in
            let fault = try await withEngine(Self.proxied(peer, connectTimeout: .milliseconds(500))) {
                try await $0.send(HTTPRequest(.post, url: Self.origin)).notSentFault
            }
            #expect(fault.kind == .connectTimeout)
        }
    }

    @Test func aRequestLostBehindTheTunnelIsAmbiguous() async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        try await RawPeer.serving { connection in
            _ = try connection.readRequestHead()
            try connection.write("HTTP/1.1 200 Connected\r\n\r\n")
            try connection.startTLS(identity)
            _ = try connection.readRequest()
        } _: { peer in
            let fault = try await withEngine(Self.proxied(peer, caFile: identity.authorityFile)) {
                try await $0.send(HTTPRequest(.post, url: Self.origin)).ambiguousFault
            }
            #expect(fault.kind == .connectionLost)
            #expect(fault.sentBytes > 0)
        }
    }

    @Test func theEnvironmentsProxyIsNotAsked() async throws {
        // In a process of its own, whose environment is not shared with other tests.
        await #expect(processExitsWith: .success) {
            for name in ["http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"] {
                setenv(name, "http://127.0.0.1:1", 1)
            }
            let exchange = try await exchange { connection in
                _ = try connection.readRequest()
                try connection.answer()
                try connection.readToEnd()
            }
            #expect(try exchange.response.status == 200)
        }
    }

    @Test func theEnvironmentsExceptionsFromTheProxyDoNotCount() async throws {
        await #expect(processExitsWith: .success) {
            setenv("no_proxy", "*", 1)
            setenv("NO_PROXY", "*", 1)
            try await RawPeer.serving { connection in
                _ = try connection.readRequest()
                try connection.answer()
                try connection.readToEnd()
            } _: { peer in
                let request = HTTPRequest(.get, url: "http://localhost:1/")
                try await withEngine(Self.proxied(peer)) { try await $0.succeed(request) }
            }
        }
    }
}
