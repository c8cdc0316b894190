import Concurrency
import Glibc
import HTTP
import Testing

@testable import Service

@Suite(.timeLimit(.minutes(30))) struct AdminServerTests {
    // MARK: What it answers

    @Test func aRouteIsAnsweredWithWhatKeepsBrowsersOut() async throws {
        try await serving { server in
            let answer = try await AdminClient.get(server.port, "/livez")
            #expect(answer.status == 200)
            #expect(answer.body == "alive\n")
            #expect(answer.field("Content-Type") == "text/plain; charset=utf-8")
            #expect(answer.field("Content-Length") == "6")
            #expect(answer.field("Cache-Control") == "no-store")
            #expect(answer.field("X-Content-Type-Options") == "nosniff")
            #expect(answer.field("Content-Security-Policy") == "default-src 'none'; frame-ancestors 'none'")
            #expect(answer.field("Server") == nil, "nobody is told what to attack")
            #expect(answer.field("Connection")?.lowercased() == "close")
        }
    }

    @Test func aPageSetsItsOwnPolicyAndFields() async throws {
        let page = AdminReply(
            status: 200, contentType: "text/html; charset=utf-8", contentSecurityPolicy: "default-src 'self'",
            fields: [HTTPField("X-Own", "1")], body: Array("<p>".utf8))
        try await serving(["/": { _ in page }]) { server in
            let answer = try await AdminClient.get(server.port, "/")
            #expect(answer.field("Content-Security-Policy") == "default-src 'self'")
            #expect(answer.field("X-Own") == "1")
            #expect(answer.body == "<p>")
        }
    }

    @Test func headIsAnsweredWithoutABody() async throws {
        try await serving { server in
            let answer = try await AdminClient.perform(server.port, "HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(answer.status == 200)
            #expect(answer.field("Content-Length") == "6")
            #expect(answer.body.isEmpty)
        }
    }

    @Test func aQueryChangesNothing() async throws {
        try await serving { server in
            try await expect(200, of: "/livez?verbose&x=%2F", server)
            try await expect(404, of: "/live", server)
            try await expect(404, of: "/livez/", server)
            try await expect(404, of: "/../livez", server)
        }
    }

    @Test func theQueryReachesWhoeverAnswersDecodedAndWhole() async throws {
        let handler: AdminServer.Handler = { query in
            let values = ["id", "second", "empty", "bare", "none"].map { query[$0].map { Array($0.utf8) } }
            return .text("\(values)")
        }
        let cases = [
            ("/job", "[nil, nil, nil, nil, nil]"),
            // a/b, and of two the first; é; an empty value, and none.
            (
                "/job?id=a%2Fb&second=%C3%A9&id=x&empty=&bare",
                "[Optional([97, 47, 98]), Optional([195, 169]), Optional([]), Optional([]), nil]"
            ),
            // An id needs no escapes.
            ("/job?id=a/b:c", "[Optional([97, 47, 98, 58, 99]), nil, nil, nil, nil]"),
            // What follows a NUL is not cut off: a%00b is no job called a.
            ("/job?id=a%00b", "[Optional([97, 0, 98]), nil, nil, nil, nil]"),
            // What is no UTF-8 is repaired.
            ("/job?id=%FF", "[Optional([239, 191, 189]), nil, nil, nil, nil]"),
        ]
        try await serving(["/job": handler]) { server in
            for (target, expected) in cases {
                let answer = try await AdminClient.get(server.port, target)
                #expect(answer.body == "\(expected)\n", "\(target)")
            }
        }
    }

    @Test func theStatusOfAnEndpointIsItsOwn() async throws {
        try await serving(["/readyz": { _ in .text("hold:quota_day", status: 503) }]) { server in
            let answer = try await AdminClient.get(server.port, "/readyz")
            #expect(answer.status == 503)
            #expect(answer.body == "hold:quota_day\n")
        }
    }

    @Test func anAnswerOfAMegabyteComesWhole() async throws {
        let body = (0..<(1 << 20)).map { UInt8(97 + $0 % 26) }
        try await serving(["/large": { _ in AdminReply(contentType: "text/plain", body: body) }]) { server in
            let answer = try await AdminClient.get(server.port, "/large")
            #expect(answer.body == String(decoding: body, as: UTF8.self))
        }
    }

    @Test func manyAskAtOnce() async throws {
        try await serving { server in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<40 { group.addTask { try await AdminClient.get(server.port, "/livez").status } }
                for try await status in group { #expect(status == 200) }
            }
        }
    }

    @Test func itListensOnIPv6() async throws {
        try await serving(host: "::1") { server in
            #expect(server.authority == "[::1]:\(server.port)")
            let client = try AdminClient(port: server.port, host: "::1")
            client.send("GET /livez HTTP/1.1\r\nHost: [::1]:\(server.port)\r\n\r\n")
            #expect(AdminAnswer(text: await client.readToEnd() ?? "").status == 200)
        }
    }

    // MARK: What it refuses

    @Test(arguments: ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
    func nothingCanBeChanged(method: String) async throws {
        try await serving { server in
            let answer = try await AdminClient.perform(
                server.port, "\(method) /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n")
            #expect(answer.status == 405)
            #expect(answer.field("Allow") == "GET, HEAD")
        }
    }

    @Test(arguments: ["Content-Length: 5", "Transfer-Encoding: chunked"])
    func aBodyIsNotRead(header: String) async throws {
        let isAsked = Lock(false)
        let handler: AdminServer.Handler = { _ in
            isAsked.withLock { $0 = true }
            return .text("asked")
        }
        try await serving(["/asked": handler]) { server in
            let answer = try await AdminClient.perform(
                server.port, "GET /asked HTTP/1.1\r\nHost: localhost\r\n\(header)\r\n\r\n")
            #expect(answer.status == 413)
            #expect(!isAsked.withLock { $0 })
        }
    }

    /// A page of the open web reaches a loopback server by a name of its own.
    @Test func aForeignNameIsRefusedOnLoopback() async throws {
        try await serving { server in
            let answer = try await AdminClient.perform(
                server.port, "GET /livez HTTP/1.1\r\nHost: rebound.example:\(server.port)\r\n\r\n")
            #expect(answer.status == 421)
        }
        try await serving(host: "0.0.0.0") { server in
            let answer = try await AdminClient.perform(
                server.port, "GET /livez HTTP/1.1\r\nHost: worker-7.example\r\n\r\n")
            #expect(answer.status == 200, "scrapers of a network come by name")
        }
    }

    @Test(arguments: [
        ("localhost", true), ("LOCALHOST:9464", true), ("127.0.0.1", true), ("127.0.0.1:80", true), ("[::1]", true),
        ("[::1]:9464", true), ("10.1.2.3:1", true), ("localhost.example", false), ("127.0.0.1.example", false),
        ("", false), ("[localhost", false), ("127.1", false), ("evil", false), ("localhost.", false),
    ])
    func onlyNumbersAndLocalhostAreThisMachine(host: String, isFine: Bool) {
        let request = AdminRequest(method: "GET", path: "/", host: host)
        #expect((request.refusal(onLoopback: true) == nil) == isFine)
        #expect(request.refusal(onLoopback: false) == nil)
    }

    @Test(arguments: [
        "\r\n\r\n\r\n\r\n", "GET\r\n\r\n", "GET /livez\r\n\r\n", "GET /livez HTTP/9.9\r\n\r\n",
        "GET /livez HTTP/1.1\r\n: nothing\r\n\r\n", "GET /livez HTTP/1.1\r\nno colon\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}",
        "GET /\u{0}livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "GET %00%ff%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ])
    func whatIsMalformedHarmsNobody(request: String) async throws {
        try await serving(limits: limits { $0.wholeConnection = .seconds(2) }) { server in
            let client = try AdminClient(port: server.port)
            client.send(request)
            let text = try #require(await client.readToEnd(), "it is over in its time")
            #expect(!text.contains("alive"))
            // Of a machine that needs longer than two seconds the next one is cut off as well.
            while try await AdminClient.get(server.port, "/livez").status != 200 {}
        }
    }

    @Test(arguments: [
        "/" + String(repeating: "a", count: 100_000), "/livez?" + String(repeating: "b=1&", count: 25_000),
    ])
    func anOversizedTargetIsRefused(path: String) async throws {
        try await serving { server in
            let answer = try await AdminClient.get(server.port, path)
            #expect(answer.status == 414 || answer.status == 431 || answer.status == 0)
            try await expect(200, of: "/livez", server)
        }
    }

    @Test func oversizedHeadersAreRefused() async throws {
        try await serving { server in
            let many = (0..<2_000).map { "X-Header-\($0): value\r\n" }.joined()
            let one = "X-Long: \(String(repeating: "v", count: 100_000))\r\n"
            for headers in [many, one] {
                let answer = try await AdminClient.perform(
                    server.port, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n")
                #expect(answer.status == 431 || answer.status == 413 || answer.status == 0)
                try await expect(200, of: "/livez", server)
            }
        }
    }

    @Test func aSecondRequestOnAConnectionIsNotHeard() async throws {
        let count = Lock(0)
        let handler: AdminServer.Handler = { _ in
            count.withLock { $0 += 1 }
            return .text("counted")
        }
        try await serving(["/count": handler]) { server in
            let request = "GET /count HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let answer = try await AdminClient.perform(server.port, request + request + request)
            #expect(answer.body == "counted\n")
            #expect(count.withLock { $0 } == 1)
        }
    }

    // MARK: Its life

    @Test func anAddressInUseIsNamedWithItsSetting() async throws {
        try await serving { server in
            #expect {
                _ = try AdminServer(host: "127.0.0.1", port: server.port, routes: [:])
            } throws: { error in
                guard let error = error as? SystemCallError else { return false }
                return error.code == EADDRINUSE && error.description.contains("127.0.0.1:\(server.port)")
                    && error.description.contains("admin.listen")
            }
        }
    }

    @Test(arguments: ["203.0.113.9", "worker.example", ""])
    func anAddressOfNobodyIsAnError(host: String) {
        #expect(throws: SystemCallError.self) { _ = try AdminServer(host: host, port: 0, routes: [:]) }
    }

    @Test func itsPortIsFreeAgainAtOnce() async throws {
        let first = try AdminServer(host: "127.0.0.1", port: 0, routes: ["/": { _ in .text("first") }])
        let port = first.port
        #expect(try await AdminClient.get(port, "/").body == "first\n")
        await onAThread { first.stop() }
        let second = try AdminServer(host: "127.0.0.1", port: port, routes: ["/": { _ in .text("second") }])
        #expect(try await AdminClient.get(port, "/").body == "second\n")
        await onAThread { second.stop() }
    }

    @Test func aPingComesBack() async throws {
        let server = try AdminServer(host: "127.0.0.1", port: 0, routes: [:])
        await withCheckedContinuation { done in server.ping { done.resume() } }
        await onAThread { server.stop() }
        await withCheckedContinuation { done in server.ping { done.resume() } }
        await onAThread { server.stop() }
    }

    @Test func itStopsWhileItIsAsked() async throws {
        let gate = Gate()
        let isAsked = Gate()
        let server = try AdminServer(
            host: "127.0.0.1", port: 0,
            routes: [
                "/hang": { _ in
                    isAsked.open()
                    await gate.wait()
                    return .text("late")
                }
            ])
        let client = try AdminClient(port: server.port)
        client.send("GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await isAsked.wait()
        await onAThread { server.stop() }
        #expect(await client.readToEnd() == "")
        gate.open()
    }
}
