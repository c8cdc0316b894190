import Clocks
import Foundation
import HTTP
import JSON
import PrivateBroker
import RunningSimulator
import Secrets
import Testing

/// The program itself, asked over real sockets.
@Suite(.timeLimit(.minutes(30))) struct SimulatorOverHTTPTests {
    private func running(_ options: String..., body: (RunningSimulator) async throws -> Void) async throws {
        let simulator = try await RunningSimulator(options)
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

    @Test func aCallIsOverWhenItIsAnsweredAndNotBefore() async throws {
        try await running("--auto-members", "--latency", "30") { simulator in
            try await simulator.control(
                "faults", #"{"token":"album-late","count":1,"fault":"delay","milliseconds":100}"#)
            try await simulator.control(
                "faults", #"{"token":"album-dark","count":1,"fault":"stall","applied":true,"milliseconds":100}"#)
            for token in ["album-1", "album-late"] {
                #expect(try await simulator.post("leave", token, as: "anna").status == 200)
            }
            _ = await simulator.exchange("leave", "album-dark", as: "anna")
            let begins = try await simulator.journal().compactMap { $0["at"]?.integer }
            let ends = try simulator.ends()
            #expect(ends.compactMap { $0["sequence"]?.integer } == [1, 2, 3])
            let lasted = zip(begins, ends.compactMap { $0["at"]?.integer }).map { $1 - $0 }
            // Two clocks that are rounded down may lose a millisecond.
            for (time, least) in zip(lasted, [29, 129, 129] as [Int64]) { #expect(time >= least) }
            // The next call of one who waits for the answer begins after that.
            #expect(zip(ends.dropLast(), begins.dropFirst()).allSatisfy { ($0["at"]?.integer ?? .max) <= $1 })
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

    @Test func aMistakeOfItsUserIsReported() async throws {
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
        let (ending, text) = try await ChildProcess.run([RunningSimulator.program] + options)
        #expect(ending == .exited(64))
        #expect(text.contains(options[0]))
    }
}
