import Testing

@testable import PostgresLedger

/// What becomes of a batch, read as a transcript of what the server sends; without a server.
@Suite struct BatchProgressTests {
    private static let first = PostgresStatement("first", "SELECT 1")
    private static let second = PostgresStatement("second", "SELECT 2")
    private static let rows = PostgresRows(columns: [20], values: [[0, 0, 0, 0, 0, 0, 0, 1]], affected: 1)
    private static let error = PostgresReport(severity: "ERROR", state: "23505", message: "duplicate key")
    private static let fatal = PostgresReport(severity: "FATAL", state: "57P01", message: "terminating")
    private static let cancelled = PostgresReport(severity: "WARNING", state: "01000", message: "canceling wait")

    private func progress(known: [PostgresStatement] = [first, second]) -> BatchProgress {
        var batch = PostgresBatch()
        batch.add(Self.first)
        batch.add(Self.second)
        let names = Dictionary(uniqueKeysWithValues: known.map { ($0.name, $0) })
        return BatchProgress(batch, known: names, endpoint: "db:5432, database ledger")
    }

    private func finished(_ notices: [PostgresReport] = []) -> BatchProgress.Ending {
        var progress = progress()
        for _ in 0..<2 {
            progress.succeed(Self.rows)
            progress.endStep()
        }
        return progress.end(notices)
    }

    @Test func aStatementIsPreparedWhereTheConnectionHasNotGotIt() {
        #expect(progress(known: []).remaining == [.prepare(0), .run(0), .prepare(1), .run(1)])
        #expect(progress(known: [Self.first]).remaining == [.run(0), .prepare(1), .run(1)])
        var twice = PostgresBatch()
        twice.add(Self.first)
        twice.add(Self.first)
        #expect(BatchProgress(twice, known: [:], endpoint: "").remaining == [.prepare(0), .run(0), .run(1)])
    }

    @Test func allThatSucceedIsCommitted() throws {
        #expect(finished() == .complete([.rows(Self.rows), .rows(Self.rows)]))
        let other = PostgresReport(severity: "NOTICE", state: "42P07", message: "it exists")
        #expect(finished([other]) == .complete([.rows(Self.rows), .rows(Self.rows)]), "a remark changes nothing")
    }

    @Test func whatFollowsAFailureIsAborted() throws {
        var progress = progress(known: [])
        progress.succeed(PostgresRows(columns: [], values: [], affected: 0))
        progress.endStep()
        progress.fail(Self.error)
        progress.endStep()
        for _ in 0..<2 {
            progress.abort()
            progress.endStep()
        }
        #expect(progress.prepared == [Self.first], "the server keeps what it prepared before the failure")
        guard case .complete(let outcomes) = progress.end([Self.cancelled]) else {
            Issue.record("it is known that nothing is committed, whatever else is said")
            return
        }
        #expect(outcomes.count == 2 && outcomes[1] == .aborted)
        let answer = PostgresBatchAnswer(outcomes: outcomes, notices: [])
        #expect(answer.failure?.state == "23505" && answer.failure?.kind == .fault)
        #expect(throws: PostgresError.self) { try answer.rows() }
    }

    @Test func aStatementThatCannotBePreparedHasFailed() {
        var progress = progress(known: [Self.second])
        progress.fail(PostgresReport(severity: "ERROR", state: "42P01", message: "no such table"))
        progress.endStep()
        for _ in 0..<2 {
            progress.abort()
            progress.endStep()
        }
        guard case .complete(let outcomes) = progress.end([]), case .failed(let error) = outcomes[0] else {
            Issue.record("it has no outcome")
            return
        }
        #expect(error.kind == .refusedConfiguration && outcomes[1] == .aborted && progress.prepared.isEmpty)
    }

    @Test(arguments: [cancelled, PostgresReport(severity: "WARNING", state: "57P01", message: "terminating the wait")])
    func aCommitThatItsReplicaMayNotHaveIsUnknown(notice: PostgresReport) {
        guard case .failed(let error) = finished([notice]) else {
            Issue.record("a doubtful commit counts as one")
            return
        }
        #expect(error.kind == .outcomeUnknown && error.state == notice.state && error.message == notice.message)
    }

    @Test func anAnswerThatIsLostLeavesTheOutcomeUnknown() {
        var progress = progress()
        #expect(progress.lose([], "gone").kind == .outcomeUnknown)
        progress.succeed(Self.rows)
        progress.endStep()
        progress.succeed(Self.rows)
        progress.endStep()
        #expect(progress.lose([], "gone").kind == .outcomeUnknown, "all but the word that it is committed")
        #expect(progress.lose([Self.cancelled], "gone").state == "01000", "the server's word says more than libpq's")
    }

    @Test func whatHadFailedIsUndoneAlsoIfTheConnectionIsLost() {
        var progress = progress()
        progress.fail(PostgresReport(severity: "ERROR", state: "40001", message: "could not serialize"))
        progress.endStep()
        #expect(progress.lose([], "gone").kind == .retryable)
    }

    @Test func aFarewellIsNoFailureOfAStatement() {
        var progress = progress()
        progress.fail(Self.fatal)
        let error = progress.lose([], "server closed the connection")
        #expect(error.kind == .outcomeUnknown && error.state == "57P01")
    }

    @Test func anEndWithoutAllAnswersIsUnknown() {
        guard case .failed(let error) = progress().end([]) else {
            Issue.record("nothing was answered")
            return
        }
        #expect(error.kind == .outcomeUnknown)
    }

    @Test func aBatchKnowsItsSize() {
        var batch = PostgresBatch()
        let empty = batch.byteCount
        batch.add(PostgresStatement("put", "SELECT $1", [.bytea]), [.value([UInt8](repeating: 1, count: 1_000))])
        #expect(empty == 5 && batch.byteCount > 1_050 && batch.byteCount < 1_150)
        let statement = PostgresStatement("none", "SELECT $1", [.int8.array])
        batch.add(statement, [.array([Int64?.none])])
        #expect(batch.executions.map(\.statement.name) == ["put", "none"])
    }
}
