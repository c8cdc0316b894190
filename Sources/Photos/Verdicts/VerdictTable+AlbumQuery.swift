import Clocks
import Jobs
import Secrets

/// What the album's word makes of a job: of one whose refusal asks for it, and of every one whose earlier call went
/// unheard.
extension VerdictTable {
    /// The verdict for the answer to an album query, `GET /v1/sharedAlbums/{shareToken}`. `refusal` is the verdict that asked
    /// for it; without one, the job asks before it calls. What says nothing of the album takes the row that it would
    /// take as the answer to a call, but it never makes a job ambiguous: a query has no effect.
    ///
    /// The verdict's statuses are those of this answer. It is no answer to a call, and not to be told as one.
    package static func verdict(
        forAlbumQuery answer: Answer, after refusal: Verdict?, context: VerdictContext
    ) -> Verdict {
        let parsed = ParsedAnswer(answer)
        let asCall = verdict(of: parsed, context)
        let message = "asking the album: \(asCall.detail)"
        if case .object(let object) = parsed.body, parsed.http == 200 {
            let album = AlbumMembership(object, of: context.shareToken)
            return verdict(album, after: refusal, context, shown: asCall, album == .inconclusive ? message : nil)
        }
        if inconclusive(parsed, asCall, isBeforeCall: refusal == nil) {
            return verdict(.inconclusive, after: refusal, context, shown: asCall, message)
        }
        // A success without an album is none.
        let action: VerdictAction =
            switch asCall.action {
            case .left, .queryAlbum: .malformedAnswer
            default: asCall.action
            }
        return Verdict(
            row: asCall.row, action: action, subject: asCall.subject, minimumWait: asCall.minimumWait,
            serverTime: asCall.serverTime, httpStatus: asCall.httpStatus, apiStatus: asCall.apiStatus,
            detail: shown(refusal, message))
    }

    /// Whether the server answered the question with a refusal that leaves it open. One job's question proves nothing
    /// of the API: where that is at fault, the call will say so.
    private static func inconclusive(_ parsed: ParsedAnswer, _ asCall: Verdict, isBeforeCall: Bool) -> Bool {
        switch parsed.http {
        case 200:
            if case .unreadableObject = parsed.body { true } else { false }
        // On its way to an album whose name is a link, for one.
        case 300...399: true
        // A fresh token may do. After that the call may succeed all the same, and will be refused like this if not.
        case 401: isBeforeCall && asCall.action != .retryOnFreshToken
        case 403: isBeforeCall && !asCall.action.isOfLimit
        // The way there, or a matter of time.
        case 407, 408, 421, 425, 429: false
        case 409: if case .retryQueryingAtLast = asCall.action { false } else { true }
        case 400...499, 501: true
        default: false
        }
    }

    /// The verdict for an album that was asked already, before the call that was refused.
    package static func verdict(
        _ album: AlbumMembership, after refusal: Verdict?, context: VerdictContext
    ) -> Verdict {
        verdict(album, after: refusal, context, shown: refusal, nil)
    }

    /// `shown` is the answer that this is the verdict for, `message` what it says beyond the album's standing.
    private static func verdict(
        _ album: AlbumMembership, after refusal: Verdict?, _ context: VerdictContext, shown answer: Verdict?,
        _ message: String?
    ) -> Verdict {
        let action: VerdictAction =
            switch (album, refusal) {
            case (.owned, _): .dead(.albumOwner)
            case (.notJoined, _): .alreadyLeft
            case (.joined, nil), (.inconclusive, nil): .call
            case (.joined, _?): .dead(.leaveRefused)
            case (.inconclusive, _?): inconclusive(context)
            }
        let assumption =
            action == .alreadyLeft && album == .inconclusive
            ? "; taken for left, since an earlier call may have had its effect" : ""
        let membership = [message, album.message].compactMap(\.self).joined(separator: "; ")
        return Verdict(
            row: refusal?.row ?? lostAnswer.number, action: action, subject: refusal?.subject ?? lostAnswer.subject,
            album: album, isBeforeCall: refusal == nil, serverTime: answer?.serverTime, httpStatus: answer?.httpStatus,
            apiStatus: answer?.apiStatus,
            detail: shown(refusal, membership + assumption))
    }

    /// The call's refusal goes before what was learned after it.
    private static func shown(_ refusal: Verdict?, _ message: String) -> String {
        DetailText.scrubbed(refusal.map { "\($0.detail); \(message)" } ?? message)
    }

    /// How many accounts must be refused before a refusal that the album cannot explain is systemic: a removed
    /// method may answer so to everyone, but a batch of stale tokens is also ordinary.
    package static let accountsWithUnknownTokens = 20

    private static func inconclusive(_ context: VerdictContext) -> VerdictAction {
        guard context.isAmbiguous else {
            return .deadUnlessSystemic(.shareTokenInvalid, .apiRetired, accounts: accountsWithUnknownTokens)
        }
        return context.assumesLeftAfterAmbiguous
            ? .alreadyLeft
            : .deadUnlessSystemic(.outcomeUnknown, .apiRetired, accounts: accountsWithUnknownTokens)
    }
}
