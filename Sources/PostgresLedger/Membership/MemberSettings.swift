package import Ledger

/// A setting in which a live member differs from this one.
package struct DifferingSetting: Hashable, Sendable {
    /// Of the other member.
    package var name: String
    package var epoch: Int
    /// As the settings file has it.
    package var key: String

    package init(name: String, epoch: Int, key: String) {
        self.name = name
        self.epoch = epoch
        self.key = key
    }
}

extension DatabaseLedger {
    private static let differing = PostgresStatement(
        "differing_settings",
        """
        SELECT other.name, other.epoch, setting.key FROM leave_album.instances own
        JOIN leave_album.instances other ON other.epoch <> own.epoch
        CROSS JOIN LATERAL jsonb_each_text(other.settings) setting
        WHERE own.epoch = $1 AND other.\(MemberStatements.isLive) AND other.alive_until >= now()
        AND own.settings ->> setting.key <> setting.value ORDER BY other.epoch, setting.key
        """, [.int4])

    /// Settings in which live members differ from this one, of those keys that both know. None for who is no member.
    package func differingSettings() async throws(LedgerError) -> [DifferingSetting] {
        guard let epoch else { return [] }
        return try await reader.ask(
            LedgerQuestion(Self.differing, [.value(Int32(clamping: epoch))]) { rows throws(PostgresDecodingError) in
                var found: [DifferingSetting] = []
                for row in 0..<rows.count {
                    found.append(
                        DifferingSetting(
                            name: try rows.value(row, 0), epoch: try rows.int(row, 1), key: try rows.value(row, 2)))
                }
                return found
            })
    }
}
