import HTTP
import ScriptedPeer
import Testing

/// Compressed answers: what is whole is read, and what is not says nothing.
@Suite(.timeLimit(.minutes(30))) struct CompressedTests {
    /// `{}` as gzip -n compresses it.
    private static let object: [UInt8] =
        [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0]
    /// The same in zlib's frame and without one.
    private static let framed: [UInt8] = [0x78, 0x9c, 0xab, 0xae, 5, 0, 1, 0x75, 0, 0xf9]
    private static let raw: [UInt8] = [0xab, 0xae, 5, 0]

    private func answer(
        _ body: [UInt8], _ fields: [String], status: String = "200 OK", configuration: HTTPConfiguration = .init()
    ) async throws -> HTTPResponse {
        try await exchange({ post($0) }, configuration) { connection in
            _ = try connection.readRequest()
            try connection.answer(status, fields: fields, body: body)
            try connection.readToEnd()
        }.response
    }

    @Test(
        "A whole body is decoded, in whatever way it is said to be compressed",
        arguments: [
            ["Content-Encoding: gzip"], ["content-encoding: GZip"], ["Content-Encoding: x-gzip"],
            ["Content-Encoding: identity, gzip"], ["Content-Encoding: gzip", "Content-Encoding: identity"],
        ])
    func whole(fields: [String]) async throws {
        let response = try await answer(Self.object, fields)
        #expect(response.body == Array("{}".utf8) && response.bodyIsWhole)
    }

    @Test func otherForms() async throws {
        for body in [Self.framed, Self.raw] {
            let response = try await answer(body, ["Content-Encoding: deflate"])
            #expect(response.body == Array("{}".utf8) && response.bodyIsWhole)
        }
        for encoding in ["identity", "", " , "] {
            let plain = try await answer(Array("{}".utf8), ["Content-Encoding: \(encoding)"])
            #expect(plain.body == Array("{}".utf8) && plain.bodyIsWhole)
        }
        // Two members, one behind the other, are one body.
        let twice = try await answer(Self.object + Self.object, ["Content-Encoding: gzip"])
        #expect(twice.body == Array("{}{}".utf8) && twice.bodyIsWhole)
    }

    @Test("A body that was cut anywhere is undecodable, also where nothing or everything came out of it")
    func cut() async throws {
        for length in 1..<Self.object.count {
            let response = try await answer(Array(Self.object[..<length]), ["Content-Encoding: gzip"])
            #expect(response.bodyIsUndecodable && response.body.isEmpty && !response.bodyIsWhole, "\(length) bytes")
            #expect(response.status == 200)
        }
    }

    static let damages: [([UInt8], String)] = [
        (Array("{}".utf8), "gzip"), (object + [0], "gzip"), (object + Array("{}".utf8), "gzip"),
        (object.dropLast(8) + [0, 0, 0, 0, 2, 0, 0, 0], "gzip"), (object.dropLast() + [1], "gzip"),
        (object, "gzip, gzip"), (object, "br"), (object, "zstd"), (object, "gzip, br"), (object, "compress"),
        (framed.dropLast(), "deflate"), (framed.dropLast() + [0], "deflate"), (raw.dropLast(2), "deflate"),
        (object, "deflate"), (framed, "gzip"), (raw, "gzip"), (Array("{}".utf8), "br"), (Array("{}".utf8), "chunked"),
    ]

    @Test("What is damaged, followed by something, or in a form that was not asked for", arguments: damages.indices)
    func damaged(index: Int) async throws {
        let (body, encoding) = Self.damages[index]
        let response = try await answer(body, ["Content-Encoding: \(encoding)"])
        #expect(response.bodyIsUndecodable && response.body.isEmpty)
    }

    @Test("Nothing, compressed, is whole only where the answer says that it is nothing")
    func nothing() async throws {
        let empty = try await answer([], ["Content-Encoding: gzip"])
        #expect(empty.bodyIsWhole && empty.body.isEmpty)
        let withoutContent = try await exchange { connection in
            _ = try connection.readRequest()
            try connection.write("HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n")
            try connection.readToEnd()
        }.response
        #expect(withoutContent.bodyIsWhole)
        for head in ["", "Transfer-Encoding: chunked\r\n"] {
            let response = try await exchange { connection in
                _ = try connection.readRequest()
                try connection.write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\(head)\r\n")
                if !head.isEmpty { try connection.write("0\r\n\r\n") }
            }.response
            #expect(response.bodyIsUndecodable, "\(head)")
        }
    }

    @Test("A coding of the transfer is nothing that anybody asked for", arguments: [10, object.count])
    func transferCoding(length: Int) async throws {
        let response = try await exchange { connection in
            _ = try connection.readRequest()
            try connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n")
            try connection.write(Array(Self.object.prefix(length)))
        }.response
        #expect(response.bodyIsUndecodable && response.body.isEmpty)
    }

    @Test("A compressed body beyond the cap is its beginning, also where the cap cuts it as it comes")
    func longer() async throws {
        let decoded = [UInt8](repeating: 0x30, count: Gzip.zerosCount)
        for (cap, isWhole) in [(Gzip.zerosCount, true), (Gzip.zerosCount - 1, false), (10, false)] {
            let response = try await answer(
                Gzip.zeros, ["Content-Encoding: gzip"], configuration: HTTPConfiguration(maxResponse: cap))
            #expect(response.bodyIsWhole == isWhole && response.bodyExceededCap == !isWhole)
            #expect(response.body == Array(decoded.prefix(response.body.count)) && response.body.count <= cap)
        }
    }

    @Test("A connection is good after an answer that cannot be decoded")
    func reused() async throws {
        try await RawPeer.serving { connection in
            for _ in 0..<3 {
                _ = try connection.readRequest()
                try connection.answer(fields: ["Content-Encoding: gzip"], body: Array(Self.object.prefix(10)))
            }
            try connection.readToEnd()
        } _: { peer in
            try await withEngine { engine in
                for _ in 0..<3 {
                    let response = try await engine.send(post(peer)).response
                    #expect(response.bodyIsUndecodable)
                }
            }
            #expect(peer.connections.count == 1)
        }
    }
}
