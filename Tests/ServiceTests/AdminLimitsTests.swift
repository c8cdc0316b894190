import Concurrency
import HTTP
import Testing

@testable import Service

/// Who is slow, and what hangs, keeps nobody else waiting.
@Suite(.timeLimit(.minutes(30))) struct AdminLimitsTests {
    // MARK: Those who are slow

    @Test func whoSaysNothingIsCutOff() async throws {
        try await serving(limits: limits { $0.wholeConnection = .milliseconds(200) }) { server in
            let silent = try AdminClient(port: server.port)
            #expect(await silent.readToEnd() != nil)
        }
    }

    /// A byte now and then keeps no connection alive: what counts is its age.
    @Test func whoDribblesIsCutOff() async throws {
        try await serving(limits: limits { $0.wholeConnection = .milliseconds(300) }) { server in
            let slow = try AdminClient(port: server.port)
            slow.send("GET /livez HTTP/1.1\r\nX-Slow: ")
            let dribble = Task.detached {
                while slow.send("x") { try await Task.sleep(for: .milliseconds(10)) }
            }
            // While it dribbles, only its age can end it.
            #expect(await slow.readToEnd() != nil)
            _ = await dribble.result
        }
    }

    @Test func whoDoesNotReadIsCutOff() async throws {
        let body = [UInt8](repeating: 97, count: 16 << 20)
        try await serving(
            ["/large": { _ in AdminReply(contentType: "text/plain", body: body) }],
            limits: limits { $0.wholeConnection = .milliseconds(300) }
        ) { server in
            let idle = try AdminClient(port: server.port, receiveBuffer: 4_096)
            idle.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
            // The server has let go of it when another connection, begun later, is over by its age too.
            let later = try AdminClient(port: server.port)
            #expect(await later.readToEnd() != nil)
            let text = try #require(await idle.readToEnd())
            #expect(text.utf8.count < body.count, "the rest was dropped")
        }
    }

    /// Three times as many as there is room for, all silent: the newest is heard at once, long before their time is up.
    @Test func slowOnesTakeNobodysPlace() async throws {
        try await serving(limits: limits { $0.wholeConnection = .seconds(3_600) }) { server in
            var silent: [AdminClient] = []
            for number in 0..<200 {
                let client = try AdminClient(port: server.port)
                if number.isMultiple(of: 2) { client.send("GET /livez HTTP/1.1\r\n") }
                silent.append(client)
            }
            for _ in 0..<20 { try await expect(200, of: "/livez", server) }
            #expect(await silent[0].readToEnd() == "", "the oldest had to go")
        }
    }

    // MARK: Endpoints that hang

    @Test func anEndpointThatHangsIsAnsweredFor() async throws {
        let gate = Gate()
        let handler: AdminServer.Handler = { _ in
            await gate.wait()
            return .text("late")
        }
        try await serving(["/hang": handler], limits: limits { $0.answer = .seconds(2) }) { server in
            async let hanging = AdminClient.get(server.port, "/hang")
            // A machine that stands still for as long as that answers for this one too.
            while try await AdminClient.get(server.port, "/livez").status != 200 {}
            let answer = try await hanging
            #expect(answer.status == 503)
            #expect(answer.body == "no answer in time\n")
            gate.open()
            // A machine may need longer than that for an answer too.
            while try await AdminClient.get(server.port, "/hang").body != "late\n" {}
        }
    }

    /// Each question left behind is a task in memory: there are not more of them than connections.
    @Test func questionsThatHangDoNotPileUp() async throws {
        let gate = Gate()
        let asked = Lock(0)
        let handler: AdminServer.Handler = { _ in
            asked.withLock { $0 += 1 }
            await gate.wait()
            return .text("late")
        }
        let few = limits {
            $0.answer = .milliseconds(50)
            $0.connections = 4
        }
        try await serving(["/hang": handler], limits: few) { server in
            for _ in 0..<10 { try await expect(503, of: "/hang", server) }
            // Who was given up may be asked a little later.
            while asked.withLock({ $0 }) < 4 { await Task.yield() }
            #expect(asked.withLock { $0 } == 4)
            gate.open()
        }
    }

    @Test func whoAsksAndGoesLeavesNothingBehind() async throws {
        let gate = Gate()
        try await serving(
            [
                "/hang": { _ in
                    await gate.wait()
                    return .text("late")
                }
            ], limits: limits { $0.connections = 4 }
        ) { server in
            for _ in 0..<4 {
                try AdminClient(port: server.port).send("GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n")
            }
            gate.open()
            // Until one of those left behind has ended, all places are taken.
            var isFree = false
            while !isFree { isFree = try await AdminClient.get(server.port, "/hang").status == 200 }
            for _ in 0..<20 { try await expect(200, of: "/hang", server) }
        }
    }
}
