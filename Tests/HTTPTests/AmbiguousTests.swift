import HTTP
import ScriptedPeer
import Testing

/// What fails after the request left and before the answer is complete.
@Suite(.timeLimit(.minutes(30))) struct AmbiguousTests {
    /// Reads the request, sends the beginning of an answer, and ends the connection.
    static func answer(_ beginning: String, reset: Bool = false) -> RawPeer.Script {
        { connection in
            _ = try connection.readRequest()
            try connection.write(beginning)
            if reset { connection.reset() }
        }
    }

    @Test func aStallAfterTheRequestIsAmbiguous() async throws {
        let fault = try await exchange({ post($0) }, HTTPConfiguration(timeout: .milliseconds(300))) {
            connection in
            _ = try connection.readRequest()
            try connection.readToEnd()
        }.ambiguousFault
        #expect(fault.kind == .timeout)
        #expect(fault.code == 28)
        #expect(fault.sentBytes > leaveBody.utf8.count)
    }

    @Test func aStallInsideTheAnswerIsAmbiguous() async throws {
        let fault = try await exchange({ post($0) }, HTTPConfiguration(timeout: .milliseconds(300))) {
            connection in
            _ = try connection.readRequest()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}")
            try connection.readToEnd()
        }.ambiguousFault
        #expect(fault.kind == .timeout)
    }

    @Test(
        arguments: [
            ("", false, HTTPFaultKind.connectionLost, 52),
            ("", true, .connectionLost, 56),
            ("HTTP/1.1 200 OK\r\nContent-Le", false, .truncatedHeaders, 0),
            ("HTTP/1.1 200 OK\r\n", false, .truncatedHeaders, 0),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", false, .truncatedHeaders, 0),
            ("HTTP/1.1 200 OK\r\nContent-Le", true, .connectionLost, 56),
            ("HTTP/1.1 100 Continue\r\n\r\n", false, .connectionLost, 52),
            ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", false, .connectionLost, 18),
            ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", true, .connectionLost, 56),
            ("HTTP/1.1 429 Too Many\r\nContent-Length: 10\r\n\r\n{}", false, .connectionLost, 18),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}", false, .connectionLost, 18),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", false, .connectionLost, 56),
            ("SSH-2.0-Dropbear_2022.83\r\n", false, .malformedResponse, 1),
            ("\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\r\n\r\n", false, .malformedResponse, 1),
        ])
    func anAnswerThatIsNotCompleteIsAmbiguous(
        beginning: String, reset: Bool, kind: HTTPFaultKind, code: Int32
    ) async throws {
        let fault = try await exchange(with: Self.answer(beginning, reset: reset)).ambiguousFault
        #expect(fault.kind == kind)
        #expect(fault.code == code)
    }

    @Test func aConnectionThatDiesWhileTheBodyIsSentIsAmbiguous() async throws {
        // More than both sides' buffers hold.
        let body = String(repeating: "a", count: 32 << 20)
        try await RawPeer.serving { connection in
            _ = try connection.readRequestHead()
            connection.reset()
        } _: { peer in
            let fault = try await withEngine { try await $0.send(post(peer, body: body)).ambiguousFault }
            #expect(fault.kind == .connectionLost)
            #expect(peer.connections.count == 1)
            // libcurl would ask before so much, and pause.
            #expect(!peer.received.text.lowercased().contains("expect:"))
        }
    }

    @Test func aFaultShowsNothingOfTheRequest() async throws {
        let scripts: [RawPeer.Script] = [
            Self.answer(""), Self.answer("", reset: true), Self.answer("HTTP/1.1 200 OK\r\nX"),
            Self.answer("junk\r\n\r\n"),
            Self.answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"),
        ]
        for script in scripts {
            let fault = try await exchange(with: script).ambiguousFault
            for secret in ["sharedAlbums", "one-bearer", "one-share-token"] {
                #expect(!"\(fault)".contains(secret))
            }
        }
    }
}
