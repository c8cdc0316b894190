import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// How the database goes about a batch, with the settings that the worker's role has: by keys, whatever it knows of the
/// tables. Its plans are made once in a session, and may be of a time when the tables were empty.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct StatementPlanTests {
    private static let statements: [PostgresStatement] = {
        var batch = Outgoing.empty
        AccountRows.add([], changeWaits: false, to: &batch)
        JobLoading.add([], results: [], redrives: [], by: .nobody, to: &batch)
        let forms = JobSaving.statements.values.map(\.statement).sorted { $0.name < $1.name }
        return batch.executions.map(\.statement).filter { !forms.map(\.name).contains($0.name) } + forms
    }()

    /// The lines of the plan that say what is read, each with the line behind it.
    private func accesses(_ statement: PostgresStatement, _ database: SharedDatabase) async throws -> [String] {
        let settings = RoleSetting.plans.map { "SET \($0.rawValue) = \($0.wanted);" }.joined(separator: " ")
        let types = statement.parameters.map(\.description).joined(separator: ", ")
        let nulls = statement.parameters.map { _ in "NULL" }.joined(separator: ", ")
        let text = try await database.run(
            """
            \(settings) PREPARE asked \(types.isEmpty ? "" : "(\(types))") AS \(statement.text);
            EXPLAIN (COSTS off) EXECUTE asked \(nulls.isEmpty ? "" : "(\(nulls))")
            """)
        let lines = text.split(separator: "\n").map(String.init)
        return zip(lines, lines.dropFirst() + [""]).filter { line, _ in
            ["Seq Scan", "Index Scan", "Index Only Scan", "Hash Join", "Merge Join"].contains { line.contains($0) }
        }.map { "\($0) / \($1)" }
    }

    private static let fill = """
        INSERT INTO leave_album.jobs SELECT n::text::bytea, n::text::bytea, sha256(''), 0, 0, 0, 0, false, false, true,
        true, NULL, 0, now(), now(), NULL, now(), 2, 1, NULL, 0 FROM generate_series(1, 300) n;
        INSERT INTO leave_album.results SELECT n::text::bytea, 0, '', 'left', NULL, '', NULL, NULL, NULL, now(), 1, now(), NULL
        FROM generate_series(1, 300) n;
        INSERT INTO leave_album.accounts (account, slot) SELECT n::text::bytea, 0 FROM generate_series(1, 300) n
        """

    @Test(arguments: [false, true]) func eachStatementOfABatchReadsByKeys(_ isFilled: Bool) async throws {
        let database = try await SharedDatabase()
        if isFilled {
            try await database.run(Self.fill)
            try await database.run("VACUUM ANALYZE")
        }
        #expect(Self.statements.count > 8)
        let keys = ["jobs", "results", "accounts", "day_shares", "instances", "history", "outboxes"].map {
            "\($0)_pkey"
        }
        for statement in Self.statements {
            for access in try await accesses(statement, database) {
                let isByKey = keys.contains { access.contains($0) }
                #expect(isByKey && access.contains("Index Cond:"), "\(statement.name): \(access)")
            }
        }
    }

    /// Then a whole index is as cheap as one look into it, for the planner: it is to have no such choice.
    @Test func nothingThatWritesJobsOrSlotsReadsAllOfATableThatWasEmpty() async throws {
        let database = try await SharedDatabase()
        try await database.run("VACUUM ANALYZE")
        for statement in Self.statements where statement.name != "load_jobs" {
            for access in try await accesses(statement, database) {
                let isByKey = access.contains("_pkey") && access.contains("Index Cond:")
                #expect(isByKey || access.contains("on results"), "\(statement.name): \(access)")
            }
        }
    }
}
