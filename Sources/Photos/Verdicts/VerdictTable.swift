import Clocks
import Jobs

/// What every answer of the API means: one table, read from the top. Pure.
package enum VerdictTable {
    /// The verdict for the answer to one call of `sharedAlbums.leave`.
    package static func verdict(for answer: Answer, context: VerdictContext) -> Verdict {
        verdict(of: ParsedAnswer(answer), context)
    }

    /// The verdict where there is no other token than the one that was refused: that is as good as a fresh one's
    /// refusal.
    package static func verdictOnOnlyToken(_ refusal: Verdict) -> Verdict {
        Verdict(
            row: refusedToken.number, action: .tokenRefused(.authRejected), minimumWait: refusal.minimumWait,
            httpStatus: refusal.httpStatus, apiStatus: refusal.apiStatus, detail: refusal.detail)
    }

    static func verdict(of parsed: ParsedAnswer, _ context: VerdictContext) -> Verdict {
        guard let row = rows.first(where: { $0.matches(parsed, context) }) else {
            preconditionFailure("the table's last rows match every transport and every HTTP status")
        }
        let action = row.action(context)
        return Verdict(
            row: row.number, action: action, marksAmbiguous: row.marksAmbiguous, subject: row.subject,
            isUnheard: row.isUnheard,
            minimumWait: parsed.minimumWait(now: context.now), serverTime: parsed.serverTime(now: context.now),
            httpStatus: parsed.transport == .answered ? parsed.http : nil,
            apiStatus: parsed.error?.status?.rawValue,
            detail: VerdictDetail.text(of: parsed, context))
    }
}
