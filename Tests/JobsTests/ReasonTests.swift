import Jobs
import Testing

@Suite("Reasons say what the contract says")
struct ReasonTests {
    /// The contract's table: reasons, outcome, effect, effect if an earlier call may have arrived, next.
    static let table = """
        malformed_job unsupported_version unsupported_content | rejected | not_left | not_left | fix_request
        body_too_large job_id_missing job_id_conflict | rejected | not_left | not_left | fix_request
        album_owner | failed | not_left | not_left | none
        leave_refused | failed | not_left | not_left | operator
        share_token_invalid | failed | unknown | unknown | fix_request
        outcome_unknown server_data_loss response_malformed job_lost | failed | unknown | unknown | operator
        grant_revoked scope_missing reauth_required credential_not_found | failed | not_left | unknown | reauthorize_user
        account_blocked photos_disabled_for_user permission_denied auth_rejected | failed | not_left | unknown | none
        client_bug unexpected_status attempts_exhausted poison expired | failed | not_left | unknown | operator
        deadline_exceeded cancelled | failed | not_left | unknown | none
        """

    @Test("Each reason has the table's outcome, effects and next step, and no reason is outside of the table")
    func table() {
        var seen: [String] = []
        for line in Self.table.split(separator: "\n") {
            let cells = line.split(separator: "|").map { $0.split(separator: " ").map(String.init) }
            for name in cells[0] {
                seen.append(name)
                guard let reason = Reason(rawValue: name) else {
                    Issue.record("there is no reason \(name)")
                    continue
                }
                #expect([reason.outcome.rawValue] == cells[1], "\(name)")
                #expect([reason.effect(isAmbiguous: false).rawValue] == cells[2], "\(name)")
                #expect([reason.effect(isAmbiguous: true).rawValue] == cells[3], "\(name)")
                #expect([reason.next.rawValue] == cells[4], "\(name)")
            }
        }
        #expect(seen.sorted() == Reason.allCases.map(\.rawValue).sorted())
    }
}
