import Clocks
import Concurrency
import HTTP
import ScriptedPeer
import Secrets

/// An engine for the time of the body. Its defaults are short of patience only where a test waits for a timeout.
func withEngine<Result>(
    _ configuration: HTTPConfiguration = HTTPConfiguration(), clock: any TimeSource = SystemTimeSource(),
    _ body: (HTTPEngine) async throws -> Result
) async throws -> Result {
    let engine = try HTTPEngine(configuration, clock: clock)
    defer { engine.stop() }
    return try await body(engine)
}

/// Sends one request over a new engine to a peer that plays the script.
func exchange(
    _ request: @escaping @Sendable (RawPeer) -> HTTPRequest = { post($0) },
    _ configuration: HTTPConfiguration = HTTPConfiguration(), with script: @escaping RawPeer.Script
) async throws -> HTTPExchange {
    try await RawPeer.serving(script) { peer in
        try await withEngine(configuration) { await $0.send(request(peer)) }
    }
}

/// A peer that hears one request, which `arrived` tells, and never answers.
func withSilentPeer<Result>(
    _ body: (_ peer: RawPeer, _ arrived: RawSignal) async throws -> Result
) async throws -> Result {
    let arrived = try RawSignal()
    return try await RawPeer.serving { connection in
        _ = try connection.readRequest()
        arrived.fire()
        try connection.readToEnd()
    } _: { peer in
        try await body(peer, arrived)
    }
}

let leaveBody = #"{"shareToken":"one-share-token"}"#

func post(_ peer: RawPeer, body: String? = leaveBody, scheme: String = "http") -> HTTPRequest {
    HTTPRequest(
        .post, url: "\(scheme)://127.0.0.1:\(peer.port)/v1/sharedAlbums:leave",
        fields: [HTTPField("Content-Type", "application/json")],
        bearer: Secret(copying: Array("one-bearer".utf8)),
        body: body.map { Secret(copying: Array($0.utf8)) })
}

func get(_ peer: RawPeer, scheme: String = "http") -> HTTPRequest {
    HTTPRequest(.get, url: "\(scheme)://127.0.0.1:\(peer.port)/v1/sharedAlbums/one-path")
}

extension HTTPExchange {
    struct Unexpected: Error {
        var exchange: HTTPExchange
    }

    /// Throws, and so fails the test with the exchange in its message, unless it is an answer.
    var response: HTTPResponse {
        get throws {
            guard case .answered(let response) = self else { throw Unexpected(exchange: self) }
            return response
        }
    }

    var notSentFault: HTTPFault {
        get throws {
            guard case .notSent(let fault) = self else { throw Unexpected(exchange: self) }
            return fault
        }
    }

    var ambiguousFault: HTTPFault {
        get throws {
            guard case .ambiguous(let fault) = self else { throw Unexpected(exchange: self) }
            return fault
        }
    }
}

extension [UInt8] {
    func count(of text: String) -> Int {
        let pattern = Array(text.utf8)
        return ranges(of: pattern).count
    }

    var text: String { String(decoding: self, as: UTF8.self) }
}

extension HTTPEngine {
    /// Sends, and throws unless the answer is 200.
    func succeed(_ request: HTTPRequest) async throws {
        let exchange = await send(request)
        guard try exchange.response.status == 200 else {
            throw HTTPExchange.Unexpected(exchange: exchange)
        }
    }
}
