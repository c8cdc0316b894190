import HTTP
import ScriptedPeer
import Secrets
import Testing

@Suite(.timeLimit(.minutes(30))) struct AnsweredTests {
    @Test func aPostArrivesWholeAndItsAnswerComesBack() async throws {
        try await RawPeer.serving { connection in
            _ = try connection.readRequest()
            try connection.answer(
                "403 Forbidden", fields: ["X-One: 1", "x-two:  2 "], body: Array("{}\n".utf8))
            try connection.readToEnd()
        } _: { peer in
            let response = try await withEngine { try await $0.send(post(peer)).response }
            #expect(response.status == 403)
            #expect(response.field("x-ONE") == "1")
            #expect(response.field("X-Two") == "2")
            #expect(response.field("X-Three") == nil)
            #expect(response.body.text == "{}\n")
            #expect(!response.bodyExceededCap)
            #expect(response.majorVersion == 1)
            #expect(peer.faults == [])
            let sent = peer.received.text
            #expect(sent.hasPrefix("POST /v1/sharedAlbums:leave HTTP/1.1\r\n"))
            #expect(sent.contains("\r\nAuthorization: Bearer one-bearer\r\n"))
            #expect(sent.contains("\r\nContent-Type: application/json\r\n"))
            #expect(sent.contains("\r\nUser-Agent: leave-albumd\r\n"))
            #expect(sent.contains("\r\nContent-Length: \(leaveBody.utf8.count)\r\n"))
            #expect(sent.hasSuffix("\r\n\r\n" + leaveBody))
            #expect(!sent.contains("Expect"))
        }
    }

    @Test(arguments: ["http", "https"])
    func pathAndEmptyFieldsAreSentAsTheyAre(scheme: String) async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        try await RawPeer.serving { connection in
            if scheme == "https" { try connection.startTLS(identity) }
            _ = try connection.readRequest()
            try connection.answer()
            try connection.readToEnd()
        } _: { peer in
            let request = HTTPRequest(
                .get, url: "\(scheme)://127.0.0.1:\(peer.port)/a/../b%2Fc?d=e",
                fields: [HTTPField("X-Empty", "")])
            let configuration = HTTPConfiguration(caFile: identity.authorityFile)
            let response = try await withEngine(configuration) { try await $0.send(request).response }
            #expect(response.status == 200)
            #expect(peer.received.text.hasPrefix("GET /a/../b%2Fc?d=e HTTP/1.1\r\n"))
            #expect(peer.received.text.contains("\r\nX-Empty:\r\n"))
        }
    }

    @Test func connectionsAreReused() async throws {
        try await RawPeer.serving { connection in
            for _ in 0..<3 {
                _ = try connection.readRequest()
                try connection.answer()
            }
            try connection.readToEnd()
        } _: { peer in
            try await withEngine { engine in
                for _ in 0..<3 { try await engine.succeed(post(peer)) }
            }
            #expect(peer.connections.count == 1)
        }
    }

    @Test func aRedirectIsAnAnswerAndIsNotFollowed() async throws {
        try await RawPeer.serving { connection in
            _ = try connection.readRequest()
            try connection.answer("307 Temporary Redirect", fields: ["Location: /elsewhere"])
            try connection.readToEnd()
        } _: { peer in
            let response = try await withEngine { try await $0.send(post(peer)).response }
            #expect(response.status == 307)
            #expect(response.field("location") == "/elsewhere")
            #expect(peer.received.count(of: "one-bearer") == 1)
        }
    }

    @Test func interimAnswersAreNotTheAnswer() async throws {
        let response = try await exchange { connection in
            _ = try connection.readRequest()
            try connection.write("HTTP/1.1 100 Continue\r\nX-A: interim\r\n\r\n")
            try connection.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            try connection.answer("204 No Content", fields: ["X-A: final"])
            try connection.readToEnd()
        }.response
        #expect(response.status == 204)
        #expect(response.field("X-A") == "final")
        #expect(response.field("Link") == nil)
    }

    @Test func anAnswerBeforeTheBodyIsReadIsAnAnswer() async throws {
        let response = try await exchange { connection in
            _ = try connection.readRequestHead()
            try connection.write(
                "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.finish()
            try connection.readToEnd()
        }.response
        #expect(response.status == 401)
    }

    @Test func aBodyWithoutLengthEndsWithTheConnection() async throws {
        let response = try await exchange { connection in
            _ = try connection.readRequest()
            try connection.write("HTTP/1.1 200 OK\r\n\r\n{}")
        }.response
        #expect(response.body.text == "{}")
    }

    @Test func chunksAreJoinedAndTrailersLeftOut() async throws {
        let response = try await exchange { connection in
            _ = try connection.readRequest()
            try connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n")
            try connection.write("1\r\n{\r\n1\r\n}\r\n0\r\nX-T: late\r\n\r\n")
            try connection.readToEnd()
        }.response
        #expect(response.body.text == "{}")
        #expect(response.field("X-T") == nil)
    }

    @Test func aBodyOfTheCapIsWholeAndALongerOneIsCut() async throws {
        for size in [1000, 1001] {
            let response = try await exchange({ post($0) }, HTTPConfiguration(maxResponse: 1000)) {
                connection in
                _ = try connection.readRequest()
                try connection.answer(body: [UInt8](repeating: 0x61, count: size))
                try connection.readToEnd()
            }.response
            #expect(response.status == 200)
            #expect(response.body.count == 1000)
            #expect(response.bodyExceededCap == (size > 1000))
        }
    }

    @Test func gzipIsAskedForAndDecoded() async throws {
        try await RawPeer.serving { connection in
            _ = try connection.readRequest()
            try connection.answer(fields: ["Content-Encoding: gzip"], body: Gzip.zeros)
            try connection.readToEnd()
        } _: { peer in
            let response = try await withEngine { try await $0.send(post(peer)).response }
            #expect(response.body == [UInt8](repeating: 0x30, count: Gzip.zerosCount))
            #expect(!response.bodyExceededCap)
            #expect(peer.received.text.contains("\r\nAccept-Encoding: gzip\r\n"))
        }
    }

    @Test func theCapCountsDecodedBytes() async throws {
        #expect(Gzip.zeros.count < 1000)
        let response = try await exchange({ post($0) }, HTTPConfiguration(maxResponse: 1000)) {
            connection in
            _ = try connection.readRequest()
            try connection.answer(fields: ["Content-Encoding: gzip"], body: Gzip.zeros)
            try connection.readToEnd()
        }.response
        #expect(response.bodyExceededCap)
        #expect(response.body == [UInt8](repeating: 0x30, count: 1000))
    }

    @Test func aConnectionIsGoodAfterACappedAnswer() async throws {
        try await RawPeer.serving { connection in
            while true {
                _ = try connection.readRequest()
                try connection.answer(body: [UInt8](repeating: 0x61, count: 2000))
            }
        } _: { peer in
            try await withEngine(HTTPConfiguration(maxResponse: 1000)) { engine in
                for _ in 0..<3 {
                    let response = try await engine.send(post(peer)).response
                    #expect(response.bodyExceededCap)
                }
            }
        }
    }
}
