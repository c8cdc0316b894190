import Foundation
package import HTTP
package import JSON
import PrivateBroker
import Secrets

extension HTTPResponse {
    package var text: String { String(decoding: body, as: UTF8.self) }
}

/// The simulator as a process of its own, and a client of it.
package struct RunningSimulator: Sendable {
    private let directory: TemporaryDirectory
    private let process: ChildProcess
    package let engine: HTTPEngine
    package let port: Int

    package static var program: String {
        // The test program lies beside the others.
        URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("photos-simulator").path
    }

    package init(_ options: [String]) async throws {
        directory = try TemporaryDirectory("simulator")
        let portFile = directory.file("port")
        process = try ChildProcess(
            [
                Self.program, "--port-file", portFile.path, "--journal", directory.file("journal").path,
                "--ends", directory.file("ends").path,
            ] + options,
            output: directory.file("out"))
        while !FileManager.default.fileExists(atPath: portFile.path) {
            guard process.isRunning else { throw Failure(description: process.text) }
            try await Task.sleep(for: .milliseconds(5))
        }
        port = Int(try String(contentsOf: portFile, encoding: .utf8).dropLast()) ?? 0
        engine = try HTTPEngine(HTTPConfiguration())
    }

    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    package func end() async {
        engine.stop()
        process.signal(SIGTERM)
        _ = await process.wait()
    }

    private func request(_ method: HTTPMethod, _ path: String, bearer: String?, body: String?) -> HTTPRequest {
        HTTPRequest(
            method, url: "http://127.0.0.1:\(port)\(path)", fields: [],
            bearer: bearer.map { Secret(copying: Array($0.utf8)) },
            body: body.map { Secret(copying: Array($0.utf8)) })
    }

    package func send(
        _ method: HTTPMethod, _ path: String, bearer: String? = nil, body: String? = nil
    ) async throws -> HTTPResponse {
        let exchange = await engine.send(request(method, path, bearer: bearer, body: body))
        guard case .answered(let response) = exchange else { throw Failure(description: "\(exchange)") }
        return response
    }

    package func exchange(_ method: String, _ token: String, as account: String) async -> HTTPExchange {
        await engine.send(
            request(
                .post, "/v1/sharedAlbums:\(method)", bearer: "sim:\(account)", body: #"{"shareToken":"\#(token)"}"#))
    }

    package func post(_ method: String, _ token: String, as account: String) async throws -> HTTPResponse {
        let exchange = await exchange(method, token, as: account)
        guard case .answered(let response) = exchange else { throw Failure(description: "\(exchange)") }
        return response
    }

    package func get(_ token: String, as account: String) async throws -> JSONValue {
        try JSONValue.parse(await send(.get, "/v1/sharedAlbums/\(token)", bearer: "sim:\(account)").body)
    }

    package func control(_ path: String, _ body: String) async throws {
        let answer = try await send(.post, "/_simulator/\(path)", body: body)
        guard answer.status == 200 else { throw Failure(description: answer.text) }
    }

    package func journal() async throws -> [JSONValue] {
        try await Self.lines(Data(send(.get, "/_simulator/journal").body))
    }

    package func journalFile() throws -> [JSONValue] {
        try Self.lines(Data(contentsOf: directory.file("journal")))
    }

    package func ends() throws -> [JSONValue] {
        try Self.lines(Data(contentsOf: directory.file("ends")))
    }

    private static func lines(_ bytes: Data) throws -> [JSONValue] {
        try finishedLines(in: bytes).map { try JSONValue.parse(Array($0.utf8)) }
    }
}
