import Clocks
import Jobs
import Ledger

/// What is asked beside the ledger's thread.
enum ReaderQuestions {
    // MARK: Results

    private static let completed = PostgresStatement(
        "completed_results",
        """
        SELECT job_id, generation, \(LedgerQuestions.resultColumns) FROM leave_album.results
        WHERE (completed, job_id, generation) > ($1, $2, $3) ORDER BY completed, job_id, generation LIMIT $4
        """, [.timestamptz, .bytea, .int4, .int8])

    /// In the order of their completion, from `time` on, or after `last`.
    static func results(
        since time: Timestamp, after last: ResultCursor?, limit: Int
    ) -> LedgerQuestion<[UnpublishedResult]> {
        // No job id is empty, so that this comes before the first result of its millisecond.
        let start = last ?? ResultCursor(completedAt: time, jobID: JobID(utf8: []), generation: 0)
        return LedgerQuestion(
            completed,
            [
                .value(PostgresTime(start.completedAt)), .value(start.jobID.utf8),
                .value(Int32(clamping: start.generation)), .value(Int64(limit)),
            ], LedgerQuestions.results)
    }

    // MARK: Contradictions

    /// Conditions on rows that no transaction leaves behind, and what to call them.
    private static let contradictions = [
        (
            """
            jobs j WHERE finished AND NOT EXISTS (SELECT 1 FROM leave_album.results r
            WHERE r.job_id = j.job_id AND r.generation = j.generation)
            """, "finished jobs without a stored result"
        ),
        (
            """
            jobs j JOIN leave_album.results r ON r.job_id = j.job_id AND r.generation >= j.generation
            WHERE NOT j.finished OR r.generation > j.generation
            """, "results of generations that have not ended"
        ),
        (
            """
            results r WHERE NOT EXISTS (SELECT 1 FROM leave_album.jobs j
            WHERE j.job_id = r.job_id AND j.account IS NOT NULL)
            """, "results without a job"
        ),
        ("jobs WHERE finished AND (intent OR due IS NOT NULL)", "finished jobs with an open call or copy"),
        (
            "jobs WHERE dead_letter_unpublished IS NOT NULL AND NOT finished",
            "dead letters of jobs that have not ended"
        ),
        (
            """
            history h WHERE NOT EXISTS (SELECT 1 FROM leave_album.jobs j
            WHERE j.job_id = h.job_id AND j.account IS NOT NULL)
            """, "lines of histories without a job"
        ),
    ]

    private static let counting = contradictions.enumerated().map { index, contradiction in
        PostgresStatement("verify_\(index)", "SELECT count(*) FROM leave_album.\(contradiction.0)")
    }

    /// What must hold between the tables and does not.
    static func faults() -> LedgerQuestion<[String]> {
        LedgerQuestion(steps: counting.map { ($0, []) }) { rows throws(PostgresDecodingError) in
            var found: [String] = []
            for (rows, contradiction) in zip(rows, contradictions) {
                let count = try rows.long(0, 0)
                if count > 0 { found.append("\(count) \(contradiction.1)") }
            }
            return found
        }
    }
}
