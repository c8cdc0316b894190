/// What the broker has of the results, as the tables say it. A member numbers its results, and all below one number are
/// published: a row for each member, and none for a mark. What has no number, or was published by another than the member
/// that wrote it, has a mark of its own.
///
/// The row is written with the first result, and at most each `Outbox.interval` after that: a kill republishes what came
/// between, in the same bytes. Whatever has a number and no such row counts as unpublished.
enum OutboxRows {
    /// Of a row of `results`: the broker is not known to have it.
    /// - Parameter member: the number of the first of `AskingMember.parameters`: whoever asks knows more of its own.
    static func isUnpublished(_ result: String, member: Int? = nil) -> String {
        let own = member.map { "WHEN \(result).owner = $\($0) THEN \(result).seq = ANY ($\($0 + 1))" } ?? ""
        return """
            (\(result).published_at IS NULL AND CASE WHEN \(result).seq IS NULL THEN true \(own)
            ELSE \(result).seq >= coalesce((SELECT o.published_below FROM leave_album.outboxes o
            WHERE o.owner = ANY (ARRAY[\(result).owner])), 0) END)
            """
    }

    // MARK: The watermark

    // What an older state of the database has lost is written again, and what came later stands.
    private static let writing = PostgresStatement(
        "write_outbox",
        """
        INSERT INTO leave_album.outboxes AS o (owner, published_below) VALUES ($1, $2) ON CONFLICT (owner)
        DO UPDATE SET published_below = excluded.published_below WHERE o.published_below < excluded.published_below
        """, [.int4, .int8])

    /// Its row is the member's own, which nobody else locks but who removes it when neither the member nor a result is left.
    static func addWatermark(_ below: Int64, of owner: Int, to batch: inout PostgresBatch) {
        batch.add(writing, [.value(Int32(clamping: owner)), .value(below)])
    }
}
