import Jobs
import Threads

/// What every answer of the API means: one table, read from the top. Pure.
public enum VerdictTable {
    /// The verdict for the answer to one call of `sharedAlbums.leave`.
    public static func verdict(for answer: Answer, context: VerdictContext) -> Verdict {
        verdict(of: Reading(answer), context)
    }

    static func verdict(of reading: Reading, _ context: VerdictContext) -> Verdict {
        guard let row = rows.first(where: { $0.matches(reading, context) }) else {
            preconditionFailure("the table's last rows match every transport and every HTTP status")
        }
        let action = row.action(context)
        return Verdict(
            row: row.number, action: action, marksAmbiguous: row.marksAmbiguous,
            minimumWait: reading.minimumWait(now: context.now), serverTime: reading.serverTime(now: context.now),
            httpStatus: reading.transport == .answered ? reading.http : nil,
            apiStatus: reading.error?.status?.rawValue,
            detail: VerdictDetail.text(of: reading, context))
    }
}
