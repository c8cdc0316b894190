import HTTP
import ScriptedPeer
import Secrets
import Testing

/// What fails before the first byte of the request: the only faults after which a call may be made again unknowingly.
@Suite(.timeLimit(.minutes(30))) struct NotSentTests {
    static let hasty = HTTPConfiguration(connectTimeout: .milliseconds(200))

    static func request(port: UInt16, scheme: String = "http") -> HTTPRequest {
        HTTPRequest(
            .post, url: "\(scheme)://127.0.0.1:\(port)/", body: Secret(copying: Array(leaveBody.utf8)))
    }

    @Test func aRefusedConnectionIsNotSent() async throws {
        try await RawPort.refusing { port in
            let fault = try await withEngine { try await $0.send(Self.request(port: port)).notSentFault }
            #expect(fault.kind == .connect)
            #expect(fault.detail.contains("127.0.0.1 port \(port)"))
        }
    }

    @Test func aConnectThatStallsIsNotSent() async throws {
        try await RawPort.stalling { port in
            let fault = try await withEngine(Self.hasty) {
                try await $0.send(Self.request(port: port)).notSentFault
            }
            #expect(fault.kind == .connectTimeout)
            #expect(fault.code == 28)
        }
    }

    @Test func aNameThatDoesNotResolveIsNotSent() async throws {
        // A label of 64 characters, which no resolver asks anybody about.
        let request = HTTPRequest(.get, url: "http://\(String(repeating: "a", count: 64)).example/")
        let fault = try await withEngine { try await $0.send(request).notSentFault }
        #expect(fault.kind == .resolve)
    }

    @Test func aHandshakeThatStallsIsNotSent() async throws {
        let fault = try await exchange({ post($0, scheme: "https") }, Self.hasty) { try $0.readToEnd() }
            .notSentFault
        #expect(fault.kind == .connectTimeout)
    }

    @Test func aHandshakeThatIsCutIsNotSent() async throws {
        let fault = try await exchange {
            post($0, scheme: "https")
        } with: { connection in
            _ = try connection.read(count: 5)
            connection.reset()
        }.notSentFault
        #expect(fault.kind == .tls)
    }

    @Test func aServerWithoutTLSIsNotSent() async throws {
        let fault = try await exchange {
            post($0, scheme: "https")
        } with: { connection in
            _ = try connection.read(count: 5)
            try connection.write("HTTP/1.1 400 Bad Request\r\n\r\n")
            try connection.readToEnd()
        }.notSentFault
        #expect(fault.kind == .tls)
    }

    @Test(
        arguments: [
            HTTPRequest(.get, url: "ftp://127.0.0.1/"),
            HTTPRequest(.get, url: "file:///etc/passwd"),
            HTTPRequest(.get, url: ""),
            HTTPRequest(.get, url: "http://127.0.0.1/a b"),
            HTTPRequest(.get, url: "http://127.0.0.1/\u{0}"),
            HTTPRequest(.get, url: "http://127.0.0.1:99999999/"),
            HTTPRequest(.get, url: "http://127.0.0.1/", fields: [HTTPField("X-A", "b\r\nX-C: d")]),
            HTTPRequest(.get, url: "http://127.0.0.1/", fields: [HTTPField("X-A: b\r\nX-C", "d")]),
            HTTPRequest(.get, url: "http://127.0.0.1/", fields: [HTTPField("", "d")]),
            HTTPRequest(.get, url: "http://127.0.0.1/", bearer: Secret(copying: Array("a\nb".utf8))),
            HTTPRequest(.get, url: "http://127.0.0.1/", bearer: Secret(copying: [])),
            HTTPRequest(.get, url: "http://127.0.0.1/", body: Secret(copying: [1])),
        ])
    func aRequestThatCannotBeMadeIsNotSent(request: HTTPRequest) async throws {
        let fault = try await withEngine { try await $0.send(request).notSentFault }
        #expect(fault.kind == .invalidRequest)
    }
}
