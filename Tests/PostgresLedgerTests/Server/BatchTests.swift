import Concurrency
import Testing

@testable import PostgresLedger

extension ServerTests {
    /// A batch is one transaction, whatever of it fails.
    @Suite struct BatchTests {
        private static let put = PostgresStatement("put", "INSERT INTO keys VALUES ($1)", [.int8])
        private static let count = PostgresStatement("count", "SELECT count(*) FROM keys")

        /// A connection to a table of its own, `keys`.
        private func connectedToKeys<Value: Sendable>(
            _ body: @escaping @Sendable (inout PostgresConnection) throws -> Value
        ) async throws -> Value {
            try await connected(configuration(OnAServer.server.url())) { connection in
                try connection.run("keys", "CREATE TEMPORARY TABLE keys (key bigint PRIMARY KEY)")
                return try body(&connection)
            }
        }

        @Test func allOfABatchIsCommittedOrNone() async throws {
            try await connectedToKeys { connection in
                var batch = PostgresBatch()
                for key in [Int64(1), 1, 2] { batch.add(Self.put, [.value(key)]) }
                let answer = try connection.run(batch, within: answerTime)
                guard case .rows = answer.outcomes[0], case .failed(let error) = answer.outcomes[1] else {
                    Issue.record("\(answer.outcomes)")
                    return
                }
                #expect(answer.outcomes[2] == .aborted, "what follows is not run")
                #expect(error.state == "23505" && error.kind == .fault && error == answer.failure)
                #expect(error.attempted == "running put" && error.message.contains("keys_pkey"))
                #expect(!"\(error)".contains("(key)=(1)"), "a row's values are not for the log")
                let isUsable = connection.isUsable
                #expect(isUsable)
                var after = PostgresBatch()
                after.add(Self.count)
                for key in [Int64(1), 2, 3] { after.add(Self.put, [.value(key)]) }
                after.add(Self.count)
                let rows = try connection.run(after, within: answerTime).rows()
                #expect(try rows[0].value(0, 0) == Int64(0), "nothing of it is there")
                #expect(try rows[4].value(0, 0) == Int64(3), "a statement sees those before it")
                #expect(rows[1].affected == 1 && rows[1].count == 0)
            }
        }

        @Test func aStatementThatCannotBePreparedFailsAloneOfItsKind() async throws {
            try await connectedToKeys { connection in
                var batch = PostgresBatch()
                batch.add(Self.put, [.value(Int64(1))])
                batch.add(PostgresStatement("nowhere", "SELECT 1 FROM no_such_table"))
                batch.add(Self.count)
                for _ in 0..<2 {
                    let answer = try connection.run(batch, within: answerTime)
                    #expect(answer.failure?.state == "42P01" && answer.failure?.attempted == "running nowhere")
                    #expect(answer.outcomes[2] == .aborted)
                }
                // Prepared before the failure, and kept.
                batch = PostgresBatch()
                batch.add(Self.put, [.value(Int64(1))])
                batch.add(Self.count)
                let rows = try connection.run(batch, within: answerTime).rows()
                #expect(try rows[1].value(0, 0) == Int64(1))
            }
        }

        @Test func anEmptyBatchIsAQuestionWhetherTheServerIsThere() async throws {
            try await connected(configuration(OnAServer.server.url())) { connection in
                let outcomes = try connection.run(PostgresBatch(), within: answerTime).outcomes
                #expect(outcomes == [])
            }
        }

        @Test func aBatchAsLargeAsMayBeIsSentAtOnce() async throws {
            try await connected(configuration(OnAServer.server.url())) { connection in
                let statement = PostgresStatement("size", "SELECT length($1)", [.bytea])
                var size = connection.mostBytes
                #expect(size >= 65_536, "the kernel takes \(size) bytes at once")
                for _ in 0..<20 {
                    var batch = PostgresBatch()
                    batch.add(statement, [.value([UInt8](repeating: 1, count: size - 200))])
                    let rows = try connection.run(batch, within: answerTime).rows()
                    #expect(try rows[0].value(0, 0) == Int32(size - 200))
                    size -= 1
                }
            }
        }

        @Test func aNoticeIsTheCallersAndNotPrinted() async throws {
            let notices = try await connectedToKeys { connection in
                var batch = PostgresBatch()
                batch.add(PostgresStatement("again", "CREATE TEMPORARY TABLE IF NOT EXISTS keys (key bigint)"))
                return try connection.run(batch, within: answerTime).notices
            }
            #expect(notices.map(\.state) == ["42P07"] && notices[0].severity == "NOTICE")
        }

        @Test func aLoopThatPollsNeverWaits() async throws {
            try await connected(configuration(OnAServer.server.url())) { connection in
                var batch = PostgresBatch()
                batch.add(PostgresStatement("sleep", "SELECT pg_sleep(0.2)"))
                try connection.begin(batch, within: answerTime)
                let early = try connection.advance()
                #expect(early == nil, "there is no answer yet")
                guard let deadline = connection.deadline else { throw NothingThrown() }
                var turns = 0
                while try connection.advance() == nil {
                    Readiness.wait(for: connection.descriptor, 1, until: deadline, connection.clock)
                    turns += 1
                }
                #expect(turns < 10, "it wakes for an answer only")
                let isIdle = connection.deadline == nil && connection.isUsable
                #expect(isIdle)
            }
        }
    }
}
