import Jobs
import Threads

/// What the album's word makes of a job: rows 8 to 10 and 27, and every job whose earlier call went unheard.
extension VerdictTable {
    /// The verdict for the answer to a probe, `GET /v1/sharedAlbums/{shareToken}`. `refusal` is the verdict that asked
    /// for it; without one, the job asks before it calls. What says nothing of the album takes the row that it would
    /// take as the answer to a call, but it never makes a job ambiguous: a probe has no effect.
    public static func verdict(
        forProbe answer: Answer, after refusal: Verdict?, context: VerdictContext
    ) -> Verdict {
        let reading = Reading(answer)
        if let album = AlbumStanding(reading), !isWrongPath(reading, context) {
            return verdict(album, after: refusal, context, serverTime: reading.serverTime(now: context.now))
        }
        let verdict = verdict(of: reading, context)
        // The album refused to be asked with the words of a refused leave: that is no word of the album either.
        let action: VerdictAction =
            switch verdict.action {
            case .left, .askAlbum: .malformedAnswer
            default: verdict.action
            }
        return Verdict(
            row: verdict.row, action: action, minimumWait: verdict.minimumWait, serverTime: verdict.serverTime,
            httpStatus: verdict.httpStatus, apiStatus: verdict.apiStatus,
            detail: DetailText.scrubbed("asking the album: \(verdict.detail)"))
    }

    /// The same for an album that was asked already, before the call that was refused.
    public static func verdict(
        _ album: AlbumStanding, after refusal: Verdict?, context: VerdictContext
    ) -> Verdict {
        verdict(album, after: refusal, context, serverTime: refusal?.serverTime)
    }

    private static func verdict(
        _ album: AlbumStanding, after refusal: Verdict?, _ context: VerdictContext, serverTime: Timestamp?
    ) -> Verdict {
        let action: VerdictAction =
            switch (album, refusal) {
            case (.owned, _): .dead(.albumOwner)
            case (.notJoined, _): .alreadyLeft
            case (.joined, nil), (.cannotTell, nil): .call
            case (.joined, _?): .dead(.leaveRefused)
            case (.cannotTell, _?): cannotTell(context)
            }
        let assumption =
            action == .alreadyLeft && album == .cannotTell
            ? "; taken for left, since an earlier call may have had its effect" : ""
        let words = refusal.map { "\($0.detail); " } ?? ""
        return Verdict(
            row: refusal?.row ?? 3, action: action, album: album, serverTime: serverTime,
            httpStatus: refusal?.httpStatus, apiStatus: refusal?.apiStatus,
            detail: DetailText.scrubbed(words + album.words + assumption))
    }

    /// Row 11 comes before row 9 for the probe as well: a wrong path answers 404 to everything.
    private static func isWrongPath(_ reading: Reading, _ context: VerdictContext) -> Bool {
        reading.http == 404 && verdict(of: reading, context).row == 11
    }

    /// How many accounts must be refused before a refusal that the album cannot explain is the world's: a removed
    /// method may answer so to everyone, but a batch of stale tokens is also ordinary.
    private static let accountsWithStaleTokens = 20

    private static func cannotTell(_ context: VerdictContext) -> VerdictAction {
        guard context.isAmbiguous else {
            return .deadUnlessWorldsFault(.shareTokenInvalid, .apiRetired, accounts: accountsWithStaleTokens)
        }
        return context.assumesLeftAfterAmbiguous
            ? .alreadyLeft
            : .deadUnlessWorldsFault(.outcomeUnknown, .apiRetired, accounts: accountsWithStaleTokens)
    }
}
