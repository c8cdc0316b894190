import CLinux
import Concurrency
import Glibc
import JSON
import Service
import Testing

@Suite(.timeLimit(.minutes(30))) struct ControlSocketTests {
    private let folder = SocketFolder()

    private func serving(
        _ handler: @escaping ControlSocketServer.Handler, _ body: (ControlClient) async throws -> Void
    ) async throws {
        let server = try ControlSocketServer(path: folder.socket, handler: handler)
        try await body(ControlClient(path: folder.socket))
        await onAThread { server.stop() }
        #expect(access(folder.socket, F_OK) != 0, "the socket goes with its server")
    }

    @Test func aQuestionIsAnsweredWithWhoAsked() async throws {
        let asked = Lock<(ControlRequest, ControlPeer)?>(nil)
        try await serving { request, peer in
            asked.withLock { $0 = (request, peer) }
            return .answer(.object([.init("pruned", .integer(3))]))
        } _: { client in
            let arguments = JSONValue.object([.init("olderThanSeconds", .integer(60))])
            let answer = try await client.perform("ledger.prune", arguments)
            #expect(answer["pruned"]?.integer == 3)
            let (request, peer) = try #require(asked.withLock { $0 })
            #expect(request == ControlRequest(name: "ledger.prune", arguments: arguments))
            #expect((peer.pid, peer.uid, peer.gid) == (getpid(), getuid(), getgid()))
        }
    }

    @Test func aRefusalKeepsItsCode() async throws {
        try await serving { _, _ in
            .refusal(code: "unknown", message: "no such job")
        } _: { client in
            await #expect(throws: ControlError.refused(code: "unknown", message: "no such job")) {
                try await client.perform("job")
            }
        }
    }

    @Test func aLargeAnswerArrivesWhole() async throws {
        let text = String(repeating: "0123456789", count: 300_000)
        try await serving { _, _ in
            .answer(.text(text))
        } _: { client in
            let answer = try await client.perform("results.replay")
            #expect(answer.text == text)
        }
    }

    @Test func manyAskAtOnceAndEachGetsItsOwnAnswer() async throws {
        try await serving { request, _ in
            .answer(request.arguments)
        } _: { client in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        let arguments = JSONValue.object([.init("number", .integer(Int64(number)))])
                        return try await client.perform("echo", arguments) == arguments
                    }
                }
                for try await isOwn in group { #expect(isOwn) }
            }
        }
    }

    @Test func aSlowQuestionDoesNotKeepOthersWaiting() async throws {
        let gate = Gate()
        try await serving { request, _ in
            if request.name == "slow" { await gate.wait() }
            return .answer(.text(request.name))
        } _: { client in
            async let slow = client.perform("slow")
            let answer = try await client.perform("quick")
            #expect(answer.text == "quick")
            gate.open()
            let late = try await slow
            #expect(late.text == "slow")
        }
    }

    @Test(arguments: ["", "status", "{}", "[]", #"{"request":1}"#, #"{"request":"a","arguments":[]}"#])
    func aLineThatIsNoRequestIsAnsweredSo(line: String) async throws {
        try await serving { _, _ in
            .answer(.null)
        } _: { _ in
            let raw = try RawSocket(folder.socket)
            raw.send("\(line)\n")
            #expect(await raw.readLine().contains("\"code\":\"invalid\""))
            // And the connection goes on.
            raw.send("{\"request\":\"status\"}\n")
            #expect(await raw.readLine() == "{\"answer\":null}")
        }
    }

    @Test func requestsInPiecesAndTogetherAreAnsweredInOrder() async throws {
        try await serving { request, _ in
            .answer(.text(request.name))
        } _: { _ in
            let raw = try RawSocket(folder.socket)
            raw.send("{\"requ")
            raw.send("est\":\"a\"}\n{\"request\":\"b\"}\n{\"request\":\"c\"}\n")
            for name in ["a", "b", "c"] { #expect(await raw.readLine() == "{\"answer\":\"\(name)\"}") }
        }
    }

    @Test func aRequestWithoutEndEndsTheConnectionAndNothingElse() async throws {
        try await serving { _, _ in
            .answer(.text("here"))
        } _: { client in
            let raw = try RawSocket(folder.socket)
            for _ in 0..<80 { raw.send(String(repeating: "x", count: 1024)) }
            #expect(await raw.readLine() == "")
            let answer = try await client.perform("status")
            #expect(answer.text == "here")
        }
    }

    /// As many as are let in at once, by whoever leaks them: the quietest go for whoever asks.
    @Test func connectionsThatNobodyUsesKeepNobodyOut() async throws {
        try await serving { _, _ in
            .answer(.text("here"))
        } _: { client in
            let idle = try (0..<40).map { _ in try RawSocket(folder.socket) }
            let answer = try await client.perform("status")
            #expect(answer.text == "here")
            #expect(await idle[0].readLine() == "", "the first to come was the first to go")
        }
    }

    @Test func onlyOwnerAndGroupMayAsk() async throws {
        try await serving { _, _ in
            .answer(.null)
        } _: { _ in
            var status = stat()
            #expect(stat(folder.socket, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o660)
        }
    }

    @Test func aSocketThatADeadDaemonLeftIsReplaced() async throws {
        let left = try RawSocket(listening: folder.socket)
        left.close()
        #expect(access(folder.socket, F_OK) == 0)
        await #expect(throws: ControlError.notRunning(path: folder.socket)) {
            try await ControlClient(path: folder.socket).perform("status")
        }
        try await serving { _, _ in
            .answer(.text("new"))
        } _: { client in
            let answer = try await client.perform("status")
            #expect(answer.text == "new")
        }
    }

    @Test func aSocketOfALivingDaemonIsNotTaken() async throws {
        try await serving { _, _ in
            .answer(.text("first"))
        } _: { client in
            #expect(throws: SystemCallError.self) {
                _ = try ControlSocketServer(path: folder.socket) { _, _ in .answer(.null) }
            }
            let answer = try await client.perform("status")
            #expect(answer.text == "first")
        }
    }

    @Test func aFileThatIsNoSocketIsLeftAlone() throws {
        let file = try #require(fopen(folder.socket, "w"))
        fclose(file)
        #expect(throws: SystemCallError.self) {
            _ = try ControlSocketServer(path: folder.socket) { _, _ in .answer(.null) }
        }
        #expect(access(folder.socket, F_OK) == 0)
    }

    @Test func withoutADaemonItIsSaid() async {
        let client = ControlClient(path: folder.socket)
        await #expect(throws: ControlError.notRunning(path: folder.socket)) { try await client.perform("status") }
        let long = ControlClient(path: "/" + String(repeating: "x", count: 200))
        await #expect {
            try await long.perform("status")
        } throws: { error in
            "\(error)".contains("at most 107 bytes")
        }
    }

    @Test func aDaemonThatEndsInMidAnswerIsABrokenConnection() async throws {
        let server = try RawSocket(listening: folder.socket)
        let path = folder.socket
        let answer = Task { () -> ControlError? in
            do throws(ControlError) {
                _ = try await ControlClient(path: path).perform("status")
                return nil
            } catch {
                return error
            }
        }
        let connection = await server.accept()
        connection.send("{\"ans")
        connection.close()
        guard case .broken? = await answer.value else {
            Issue.record("an answer that ends in its middle was taken")
            return
        }
        server.close()
    }
}
