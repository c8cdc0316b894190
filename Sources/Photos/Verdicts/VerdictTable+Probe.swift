import Jobs
import Secrets
import Threads

/// What the album's word makes of a job: rows 8 to 10 and 27, and every job whose earlier call went unheard.
extension VerdictTable {
    /// The verdict for the answer to a probe, `GET /v1/sharedAlbums/{shareToken}`. `refusal` is the verdict that asked
    /// for it; without one, the job asks before it calls. What says nothing of the album takes the row that it would
    /// take as the answer to a call, but it never makes a job ambiguous: a probe has no effect.
    ///
    /// The verdict's statuses are those of this answer. It is no answer to a call, and not to be told as one.
    public static func verdict(
        forProbe answer: Answer, after refusal: Verdict?, context: VerdictContext
    ) -> Verdict {
        let reading = Reading(answer)
        let asCall = verdict(of: reading, context)
        let words = "asking the album: \(asCall.detail)"
        if case .object(let object) = reading.body, reading.http == 200 {
            let album = AlbumStanding(object, of: context.shareToken)
            return verdict(album, after: refusal, context, told: asCall, album == .cannotTell ? words : nil)
        }
        if cannotTell(reading, asCall, isBeforeCall: refusal == nil) {
            return verdict(.cannotTell, after: refusal, context, told: asCall, words)
        }
        // A success without an album is none.
        let action: VerdictAction =
            switch asCall.action {
            case .left, .askAlbum: .malformedAnswer
            default: asCall.action
            }
        return Verdict(
            row: asCall.row, action: action, minimumWait: asCall.minimumWait, serverTime: asCall.serverTime,
            httpStatus: asCall.httpStatus, apiStatus: asCall.apiStatus, detail: told(refusal, words))
    }

    /// Whether the server answered the question with a refusal that leaves it open. One job's question proves nothing
    /// of the world: where that is at fault, the call will say so.
    private static func cannotTell(_ reading: Reading, _ asCall: Verdict, isBeforeCall: Bool) -> Bool {
        switch reading.http {
        case 200:
            if case .unreadableObject = reading.body { true } else { false }
        // On its way to an album whose name is a link, for one.
        case 300...399: true
        // A fresh token may do. After that the call may succeed all the same, and will be refused like this if not.
        case 401: isBeforeCall && asCall.action != .retryOnFreshToken
        case 403: isBeforeCall && !limits.contains(asCall.row)
        // The way there, or a matter of time.
        case 407, 408, 421, 425, 429: false
        case 409: asCall.row != abortedRow
        case 400...499, 501: true
        default: false
        }
    }

    /// The rows of quotas.
    private static let limits = 21...24
    private static let abortedRow = 26

    /// The same for an album that was asked already, before the call that was refused.
    public static func verdict(
        _ album: AlbumStanding, after refusal: Verdict?, context: VerdictContext
    ) -> Verdict {
        verdict(album, after: refusal, context, told: refusal, nil)
    }

    /// `told` is the answer that this is the verdict for, `words` what it says beyond the album's standing.
    private static func verdict(
        _ album: AlbumStanding, after refusal: Verdict?, _ context: VerdictContext, told answer: Verdict?,
        _ words: String?
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
        let standing = [words, album.words].compactMap(\.self).joined(separator: "; ")
        return Verdict(
            row: refusal?.row ?? 3, action: action, album: album, serverTime: answer?.serverTime,
            httpStatus: answer?.httpStatus, apiStatus: answer?.apiStatus, detail: told(refusal, standing + assumption))
    }

    /// The call's refusal goes before what was learned after it.
    private static func told(_ refusal: Verdict?, _ words: String) -> String {
        DetailText.scrubbed(refusal.map { "\($0.detail); \(words)" } ?? words)
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
