package import Ledger

/// The settings in which members should not differ: digests, in the rows of `instances`.
enum MemberSettings {
    static let differing = PostgresStatement(
        "differing_settings",
        """
        SELECT other.name, other.epoch, setting.key FROM leave_album.instances own
        JOIN leave_album.instances other ON other.epoch <> own.epoch
        CROSS JOIN LATERAL jsonb_each_text(other.settings) setting
        WHERE own.epoch = $1 AND other.\(MemberStatements.isLive) AND other.alive_until >= now()
        AND own.settings ->> setting.key <> setting.value ORDER BY other.epoch, setting.key
        """, [.int4])

    static func decode(_ rows: PostgresRows) throws(PostgresDecodingError) -> [DifferingSetting] {
        var found: [DifferingSetting] = []
        for row in 0..<rows.count {
            found.append(
                DifferingSetting(
                    name: try rows.value(row, 0), epoch: try rows.int(row, 1), key: try rows.value(row, 2)))
        }
        return found
    }
}

extension DatabaseLedger {
    /// Settings in which live members differ from this one, of those keys that both know. None for who is no member.
    package func differingSettings() async throws(LedgerError) -> [DifferingSetting] {
        guard let epoch else { return [] }
        return try await reader.ask(
            LedgerQuestion(
                MemberSettings.differing, [.value(Int32(clamping: epoch))], MemberSettings.decode))
    }
}
