import Foundation
import HTTP
import Jobs
import PrivateBroker
import Secrets
import Testing
import Threads

/// The program itself, asked over real sockets.
@Suite(.timeLimit(.minutes(1))) struct SimulatorOverHTTPTests {
    private func running(_ options: String..., body: (Simulator) async throws -> Void) async throws {
        let simulator = try await Simulator(options)
        do { try await body(simulator) } catch {
            await simulator.end()
            throw error
        }
        await simulator.end()
    }

    @Test func joinGetLeaveAndShare() async throws {
        try await running { simulator in
            try await simulator.control("albums", #"{"token":"t1","owner":"bert","members":["anna"]}"#)
            #expect(try await simulator.get("t1", as: "anna")["shareInfo"]?["isJoined"]?.bool == true)
            #expect(try await simulator.get("t1", as: "bert")["shareInfo"]?["isOwned"]?.bool == true)
            #expect(try await simulator.post("leave", "t1", as: "anna").status == 200)
            #expect(try await simulator.get("t1", as: "anna")["shareInfo"]?["isJoined"] == nil)
            let again = try await simulator.post("leave", "t1", as: "anna")
            #expect(again.status == 400)
            #expect(again.text.contains("Request contains an invalid argument."))
            let owner = try await simulator.post("leave", "t1", as: "bert")
            #expect(owner.text.contains("The user is the owner of the album and can not leave it."))
            #expect(try await simulator.post("join", "t1", as: "anna").status == 200)
            #expect(
                try await simulator.journal().map { "\($0["method"]?.text ?? "") \($0["effect"]?.text ?? "")" } == [
                    "get none", "get none", "leave left", "get none", "leave none", "leave none", "join joined",
                ])
            #expect(try await simulator.journalFile() == simulator.journal())
        }
    }

    @Test func aBearerThatIsNobodysIsRefused() async throws {
        try await running("--auto-members") { simulator in
            try await simulator.control("tokens", #"{"token":"sim:gone","dead":true}"#)
            for bearer in ["gone", "x"] {
                let answer = try await simulator.send(
                    .post, "/v1/sharedAlbums:leave", bearer: bearer == "gone" ? "sim:gone" : bearer,
                    body: #"{"shareToken":"album-1"}"#)
                #expect(answer.status == 401)
                #expect(answer.field("www-authenticate")?.contains("invalid_token") == true)
            }
            try await simulator.control("tokens", #"{"token":"opaque","account":"anna"}"#)
            let answer = try await simulator.send(
                .post, "/v1/sharedAlbums:leave", bearer: "opaque", body: #"{"shareToken":"album-1"}"#)
            #expect(answer.status == 200)
            #expect(try await simulator.journal().last?["account"]?.text == "anna")
        }
    }

    @Test(arguments: [
        ("close", false), ("close", true), ("reset", false), ("reset", true), ("truncated_headers", true),
        ("junk", false), ("stall", true),
    ])
    func aFaultLeavesTheCallerInTheDark(fault: String, applied: Bool) async throws {
        try await running("--auto-members") { simulator in
            try await simulator.control(
                "faults", #"{"count":1,"actions":[{"fault":"\#(fault)","applied":\#(applied),"milliseconds":100}]}"#)
            let exchange = await simulator.exchange("leave", "album-1", as: "anna")
            guard case .ambiguous = exchange else {
                Issue.record("\(fault): \(exchange)")
                return
            }
            // The one that was asked for was the only one, and what happened before it counts.
            #expect(try await simulator.post("leave", "album-1", as: "anna").status == (applied ? 400 : 200))
            #expect(try await simulator.journal().first?["answer"]?.text == fault)
        }
    }

    @Test func faultsKeepToTheirTokenAccountAndMethod() async throws {
        try await running("--auto-members") { simulator in
            try await simulator.control("faults", #"{"token":"album-1","count":1,"wording":"unavailable"}"#)
            try await simulator.control("faults", #"{"account":"bert","method":"leave","status":418,"body":"x"}"#)
            #expect(try await simulator.post("leave", "album-1", as: "anna").status == 503)
            #expect(try await simulator.post("leave", "album-2", as: "anna").status == 200)
            #expect(try await simulator.post("leave", "album-2", as: "bert").status == 418)
            #expect(try await simulator.get("album-2", as: "bert")["shareInfo"]?["isJoined"]?.bool == true)
            #expect(try await simulator.post("leave", "album-1", as: "anna").status == 200)
        }
    }

    @Test func randomFaultsAreDrawnAsOftenAsAsked() async throws {
        try await running("--auto-members", "--seed", "7") { simulator in
            try await simulator.control("faults", #"{"probability":0.25,"wording":"internal"}"#)
            var failed = 0
            for number in 0..<400 where try await simulator.post("leave", "album-\(number)", as: "a").status == 500 {
                failed += 1
            }
            // Four standard deviations; the seed is fixed.
            #expect((65...135).contains(failed))
        }
    }

    @Test func anAnswerComesWithItsFields() async throws {
        try await running("--any-token", "--auto-members") { simulator in
            try await simulator.control("faults", #"{"wording":"rate","fields":{"Retry-After":"7"}}"#)
            let answer = try await simulator.post("leave", "album-1", as: "anna")
            #expect(answer.status == 429)
            #expect(answer.field("retry-after") == "7")
        }
    }

    @Test func whatTheServiceDoesNotHaveIsWordedAsItWordsIt() async throws {
        try await running { simulator in
            let path = try await simulator.send(.post, "/v2/sharedAlbums:leave", bearer: "sim:a", body: "{}")
            #expect(path.status == 404)
            #expect(path.text.contains("<!DOCTYPE html>"))
            let body = try await simulator.send(.post, "/v1/sharedAlbums:leave", bearer: "sim:a", body: "{")
            #expect(body.status == 400)
            #expect(body.text.contains("Invalid JSON payload"))
        }
    }

    @Test func aMistakeOfItsUserIsTold() async throws {
        try await running { simulator in
            for (path, body) in [("faults", "{}"), ("faults", "x"), ("albums", "{}"), ("tokens", "[]"), ("none", "")] {
                let answer = try await simulator.send(.post, "/_simulator/\(path)", body: body)
                #expect((400...404).contains(answer.status))
                #expect(answer.text.contains("problem"))
            }
        }
    }

    @Test(arguments: [["--nonsense"], ["--listen"], ["--latency", "soon"], ["--listen", "nowhere"]])
    func aWrongOptionEndsIt(options: [String]) async throws {
        let (ending, text) = try await ChildProcess.run([Simulator.program] + options)
        #expect(ending == .exited(64))
        #expect(text.contains(options[0]))
    }
}

extension HTTPResponse {
    var text: String { String(decoding: body, as: UTF8.self) }
}

struct Simulator {
    private let directory: TemporaryDirectory
    private let process: ChildProcess
    private let engine: HTTPEngine
    private let port: Int

    static var program: String {
        // The test program lies beside the others.
        URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("photos-simulator").path
    }

    init(_ options: [String]) async throws {
        directory = try TemporaryDirectory("simulator")
        let portFile = directory.file("port")
        process = try ChildProcess(
            [Self.program, "--port-file", portFile.path, "--journal", directory.file("journal").path] + options,
            output: directory.file("out"))
        while !FileManager.default.fileExists(atPath: portFile.path) {
            guard process.isRunning else { throw Failure(description: process.text) }
            try await Task.sleep(for: .milliseconds(5))
        }
        port = Int(try String(contentsOf: portFile, encoding: .utf8).dropLast()) ?? 0
        engine = try HTTPEngine(HTTPConfiguration())
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    func end() async {
        engine.stop()
        process.signal(SIGTERM)
        _ = await process.wait(seconds: 10)
    }

    private func request(_ method: HTTPMethod, _ path: String, bearer: String?, body: String?) -> HTTPRequest {
        HTTPRequest(
            method, url: "http://127.0.0.1:\(port)\(path)", fields: [],
            bearer: bearer.map { Secret(copying: Array($0.utf8)) },
            body: body.map { Secret(copying: Array($0.utf8)) })
    }

    func send(
        _ method: HTTPMethod, _ path: String, bearer: String? = nil, body: String? = nil
    ) async throws -> HTTPResponse {
        let exchange = await engine.send(request(method, path, bearer: bearer, body: body))
        guard case .answered(let response) = exchange else { throw Failure(description: "\(exchange)") }
        return response
    }

    func exchange(_ method: String, _ token: String, as account: String) async -> HTTPExchange {
        await engine.send(
            request(
                .post, "/v1/sharedAlbums:\(method)", bearer: "sim:\(account)", body: #"{"shareToken":"\#(token)"}"#))
    }

    func post(_ method: String, _ token: String, as account: String) async throws -> HTTPResponse {
        let exchange = await exchange(method, token, as: account)
        guard case .answered(let response) = exchange else { throw Failure(description: "\(exchange)") }
        return response
    }

    func get(_ token: String, as account: String) async throws -> JSONValue {
        try JSONValue.parse(await send(.get, "/v1/sharedAlbums/\(token)", bearer: "sim:\(account)").body)
    }

    func control(_ path: String, _ body: String) async throws {
        let answer = try await send(.post, "/_simulator/\(path)", body: body)
        guard answer.status == 200 else { throw Failure(description: answer.text) }
    }

    func journal() async throws -> [JSONValue] {
        try await Self.lines(send(.get, "/_simulator/journal").body)
    }

    func journalFile() throws -> [JSONValue] {
        try Self.lines(Array(Data(contentsOf: directory.file("journal"))))
    }

    private static func lines(_ bytes: [UInt8]) throws -> [JSONValue] {
        try bytes.split(separator: 0x0a).map { try JSONValue.parse(Array($0)) }
    }
}
