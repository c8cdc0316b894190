import Concurrency
import PrivateBroker
import ScriptedPeer
import Testing

@testable import PostgresLedger

/// A server that does what no server does when it is wanted: it goes, stalls or speaks at the worst moment.
@Suite struct PeerTests {
    /// Of a batch of two statements that are new to the connection, each with one row.
    private static let answer: [PostgresPeerMessage] =
        [[UInt8](repeating: 0, count: 8), [0, 0, 0, 0, 0, 0, 0, 1]].flatMap { value in
            [.parsed, .bound, .columns([20]), .row([value]), .complete("SELECT 1")]
        } + [.ready]

    private static func batch() -> PostgresBatch {
        var batch = PostgresBatch()
        batch.add(PostgresStatement("first", "SELECT 0::bigint"))
        batch.add(PostgresStatement("second", "SELECT 1::bigint"))
        return batch
    }

    /// A connection to the peer, once logged in.
    private func connected<Value: Sendable>(
        _ script: @escaping @Sendable (RawConnection) throws -> Void,
        _ body: @escaping @Sendable (inout PostgresConnection) throws -> Value
    ) async throws -> Value {
        try await RawPeer.serving { peer in
            try peer.acceptPostgres()
            try script(peer)
        } _: { peer in
            let configuration = try configuration("postgresql://w@127.0.0.1:\(peer.port)/ledger")
            let value = try await PostgresLedgerTests.connected(configuration, body)
            #expect(try socketsOpen(to: Int(peer.port)) == 0)
            return value
        }
    }

    private func failure(
        within timeout: Duration = answerTime, _ script: @escaping @Sendable (RawConnection) throws -> Void
    ) async throws -> (error: PostgresError, isUsable: Bool) {
        try await connected(script) { connection in
            let error = try thrown { () throws(PostgresError) in
                _ = try connection.run(Self.batch(), within: timeout).rows()
            }
            return (error, connection.isUsable)
        }
    }

    // MARK: Answers

    @Test func theWholeAnswerIsTheBatchs() async throws {
        let said = Lock("")
        let rows = try await connected { peer in
            let batch = try peer.readPostgresBatch()
            // In pieces, as a network may have it.
            for byte in Self.answer.flatMap(\.bytes) { try peer.write([byte]) }
            let again = try peer.readPostgresBatch()
            said.withLock { $0 = String((batch + again).map(\.kind)) }
            try peer.write(Self.answer.filter { $0.kind != "1" }.flatMap(\.bytes))
        } _: { connection in
            _ = try connection.run(Self.batch(), within: answerTime).rows()
            return try connection.run(Self.batch(), within: answerTime).rows()
        }
        #expect(try rows.map { try $0.value(0, 0, as: Int64.self) } == [0, 1])
        // Parse, Bind, Describe, Execute of each, and one Sync; then by its name.
        #expect(said.withLock { $0 } == "PBDEPBDES" + "BDEBDES")
    }

    /// Before the last message nobody knows whether the batch is committed.
    @Test(arguments: 0..<answer.count) func cutAfterEachMessage(count: Int) async throws {
        let (error, isUsable) = try await failure { peer in
            try peer.readPostgresBatch()
            try peer.write(Self.answer.prefix(count).flatMap(\.bytes))
        }
        #expect(error.kind == .outcomeUnknown && !isUsable)
        #expect("\(error)".contains("127.0.0.1:") && "\(error)".contains("database ledger"), "\(error)")
    }

    @Test(arguments: [true, false]) func cutBeforeAnAnswer(byReset: Bool) async throws {
        let (error, _) = try await failure { peer in
            // Of the batch the peer has read as much, and the kernel has the rest.
            _ = try peer.readPostgresMessage()
            if byReset { peer.reset() }
        }
        #expect(error.kind == .outcomeUnknown)
    }

    @Test func aFailureIsKnownThoughTheConnectionIsCut() async throws {
        let (error, isUsable) = try await failure { peer in
            try peer.readPostgresBatch()
            try peer.send(.parsed, .bound, .error("ERROR", "40001", "could not serialize access"))
        }
        #expect(error.kind == .retryable && !isUsable)
    }

    // MARK: Doubt

    @Test func aWarningBesideACommitMakesItDoubtful() async throws {
        let (error, isUsable) = try await failure { peer in
            try peer.readPostgresBatch()
            try peer.write(Self.answer.dropLast().flatMap(\.bytes))
            try peer.send(.notice("WARNING", "01000", "canceling wait for synchronous replication"), .ready)
        }
        #expect(error.kind == .outcomeUnknown && error.state == "01000" && isUsable, "the session goes on")
    }

    @Test func aWarningBelongsToItsBatchAlone() async throws {
        let notices = try await connected { peer in
            for severity in ["WARNING", "NOTICE"] {
                try peer.readPostgresBatch()
                if severity == "WARNING" { try peer.send(.notice(severity, "01000", "careful")) }
                let isKnown = severity == "NOTICE"
                try peer.write(Self.answer.filter { !isKnown || $0.kind != "1" }.flatMap(\.bytes))
            }
            _ = try peer.readToEnd()
        } _: { connection in
            _ = try thrown { () throws(PostgresError) in _ = try connection.run(Self.batch(), within: answerTime) }
            return try connection.run(Self.batch(), within: answerTime).notices
        }
        #expect(notices == [])
    }

    @Test(arguments: ["E", "N"]) func aSessionThatIsTerminatedInACommitLeavesItUnknown(kind: Character) async throws {
        let (error, isUsable) = try await failure { peer in
            try peer.readPostgresBatch()
            try peer.write(Self.answer.dropLast().flatMap(\.bytes))
            try peer.send(
                kind == "E"
                    ? .error("FATAL", "57P01", "terminating connection due to administrator command")
                    : .notice("WARNING", "57P01", "canceling the wait and terminating connection"))
        }
        #expect(error.kind == .outcomeUnknown && error.state == "57P01" && !isUsable)
    }

    @Test func aStallIsEndedByTheDeadlineAndNotByACancel() async throws {
        let said = Lock<[UInt8]?>(nil)
        let isOver = try RawSignal()
        try await RawPeer.serving { peer in
            try peer.acceptPostgres()
            try peer.readPostgresBatch()
            let goodbye = try peer.readToEnd()
            said.withLock { $0 = goodbye }
            isOver.fire()
        } _: { peer in
            let configuration = try configuration("postgresql://w@127.0.0.1:\(peer.port)/ledger")
            let error = try await PostgresLedgerTests.connected(configuration) { connection in
                try thrown { () throws(PostgresError) in
                    _ = try connection.run(Self.batch(), within: .milliseconds(300))
                }
            }
            #expect(error.kind == .outcomeUnknown && "\(error)".contains("no answer within 0.3 s"), "\(error)")
            await isOver.fired()
            #expect(said.withLock { $0 } == [], "no goodbye either, which might end the wait")
            #expect(peer.connections.count == 1, "a cancel would be a connection of its own")
        }
    }

    // MARK: What is not sent

    /// A batch half sent holds its locks at the server until the rest comes; libpq would send that with its goodbye.
    @Test func aBatchThatIsNotSentAtOnceIsDroppedAndNothingOfItIsCommitted() async throws {
        // A little larger each time, until one is more than both kernels take: its rest would go with a goodbye.
        var size = 131_072
        while size < 64 << 20 {
            if let (error, received) = try await dropped(size) {
                #expect(error.kind == .unavailable && received < size, "\(received) bytes of \(size): \(error)")
                return
            }
            size += size / 4
        }
        Issue.record("the kernel takes everything")
    }

    /// Sends a batch to a peer that does not read until it is sent, or dropped: then its error, and how much came.
    private func dropped(_ size: Int) async throws -> (PostgresError, Int)? {
        let (isSent, isHalfRead, isRead) = (try RawSignal(), try RawSignal(), try RawSignal())
        return try await RawPeer.serving { peer in
            try peer.acceptPostgres()
            try isSent.wait()
            _ = try peer.read(count: size / 2)
            isHalfRead.fire()
            try peer.readToEnd()
            isRead.fire()
        } _: { peer in
            let configuration = try configuration("postgresql://w@127.0.0.1:\(peer.port)/ledger")
            let error = try await PostgresLedgerTests.connected(configuration) { connection -> PostgresError? in
                connection.mostBytes = .max
                var batch = PostgresBatch()
                let bytes = [UInt8](repeating: 1, count: size)
                batch.add(PostgresStatement("large", "SELECT $1", [.bytea]), [.value(bytes)])
                var error: PostgresError?
                do throws(PostgresError) {
                    try connection.begin(batch, within: answerTime)
                } catch let dropped {
                    error = dropped
                }
                isSent.fire()
                try isHalfRead.wait()
                return error
            }
            await isRead.fired()
            return error.map { ($0, peer.received.count) }
        }
    }

    @Test func aBatchThatIsTooLargeIsRefusedBeforeAnythingIsSent() async throws {
        let (error, isUsable) = try await connected { peer in
            try peer.readPostgresBatch()
            try peer.write(Self.answer.flatMap(\.bytes))
        } _: { connection in
            var batch = PostgresBatch()
            let bytes = [UInt8](repeating: 1, count: connection.mostBytes)
            batch.add(PostgresStatement("large", "SELECT $1", [.bytea]), [.value(bytes)])
            let error = try thrown { () throws(PostgresError) in try connection.begin(batch, within: answerTime) }
            _ = try connection.run(Self.batch(), within: answerTime).rows()
            return (error, connection.isUsable)
        }
        #expect(error.kind == .fault && isUsable, "\(error)")
    }

    @Test(arguments: [false, true]) func aFarewellWhileIdleIsHeardBeforeABatchIsSent(withAnAnswer: Bool) async throws {
        let (isIdle, isGone) = (try RawSignal(), try RawSignal())
        let (error, isUsable) = try await connected { peer in
            try peer.readPostgresBatch()
            let farewell = PostgresPeerMessage.error("FATAL", "57P01", "terminating connection")
            try peer.write((Self.answer + (withAnAnswer ? [farewell] : [])).flatMap(\.bytes))
            try isIdle.wait()
            if !withAnAnswer { try peer.send(farewell) }
            peer.close()
            isGone.fire()
        } _: { connection in
            _ = try connection.run(Self.batch(), within: answerTime).rows()
            isIdle.fire()
            try isGone.wait()
            let error = try thrown { () throws(PostgresError) in
                _ = try connection.run(Self.batch(), within: answerTime)
            }
            return (error, connection.isUsable)
        }
        #expect(error.kind == .unavailable && error.state == "57P01" && !isUsable, "\(error)")
    }

    @Test func anEndWhileIdleIsSeenBeforeABatchIsSent() async throws {
        let (isIdle, isGone) = (try RawSignal(), try RawSignal())
        let error = try await connected { peer in
            try isIdle.wait()
            peer.close()
            isGone.fire()
        } _: { connection in
            isIdle.fire()
            try isGone.wait()
            return try thrown { () throws(PostgresError) in
                _ = try connection.run(Self.batch(), within: answerTime)
            }
        }
        #expect(error.kind == .unavailable, "\(error)")
    }
}
