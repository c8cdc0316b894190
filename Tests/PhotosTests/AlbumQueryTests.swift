import Jobs
import Photos
import Testing

/// What the album's word makes of a job.
@Suite struct AlbumQueryTests {
    private static func album(_ share: String) -> Answer { Wording.answer(200, #"{"id":"1","shareInfo":\#(share)}"#) }

    /// The refusal that asks, as rows 9, 10 and 27 make it.
    private static func refusal(ambiguous: Bool) -> Verdict {
        VerdictTable.verdict(
            for: Wording.answer(404, Wording.error(404, "NOT_FOUND", "Requested entity was not found.")),
            context: Wording.context(ambiguous: ambiguous))
    }

    /// A fuzzer's find: the words before it made it longer than any detail may be.
    @Test("What the API says at length when the album is asked is cut like any detail")
    func longNames() {
        let message = Wording.error(500, "INTERNAL", String(repeating: "m", count: 600))
        let verdict = VerdictTable.verdict(
            forAlbumQuery: Wording.answer(500, message), after: nil, context: Wording.context())
        #expect(verdict.detail.hasPrefix("asking the album: HTTP 500 INTERNAL: mmm"))
        #expect(verdict.detail.utf8.count == 512)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var answer: Answer
        /// After a refusal; after one of an ambiguous job; before a call.
        var actions: (VerdictAction, VerdictAction, VerdictAction)

        var testDescription: String { name }
    }

    private static let stale = VerdictAction.deadUnlessSystemic(.shareTokenInvalid, .apiRetired, accounts: 20)
    private static let unknown = VerdictAction.deadUnlessSystemic(.outcomeUnknown, .apiRetired, accounts: 20)

    static let cases: [Case] = [
        Case(
            name: "owned goes before joined", answer: album(#"{"isOwned":true,"isJoined":true}"#),
            actions: (.dead(.albumOwner), .dead(.albumOwner), .dead(.albumOwner))),
        Case(
            name: "not joined", answer: album(#"{"isJoined":false}"#),
            actions: (.alreadyLeft, .alreadyLeft, .alreadyLeft)),
        Case(
            name: "what is false is left out",
            answer: album(#"{"shareToken":"\#(Wording.shareToken)","isJoinable":true}"#),
            actions: (.alreadyLeft, .alreadyLeft, .alreadyLeft)),
        Case(
            name: "joined", answer: album(#"{"isJoined":true}"#),
            actions: (.dead(.leaveRefused), .dead(.leaveRefused), .call)),
        Case(name: "no shareInfo", answer: Wording.answer(200, #"{"id":"1"}"#), actions: (stale, unknown, .call)),
        Case(
            name: "unknown token", answer: Wording.answer(404, Wording.error(404, "NOT_FOUND", "No")),
            actions: (stale, unknown, .call)),
        Case(
            name: "bad token", answer: Wording.answer(400, Wording.error(400, "INVALID_ARGUMENT", "No")),
            actions: (stale, unknown, .call)),
        Case(
            name: "wrong path", answer: Wording.answer(404, Wording.html404), actions: (stale, unknown, .call)),
        Case(name: "not sent", answer: .notSent(detail: "x"), actions: (.retryNetwork, .retryNetwork, .retryNetwork)),
        Case(name: "too late", answer: .tooLate(detail: "x"), actions: (.withdraw, .withdraw, .withdraw)),
        Case(
            name: "unheard", answer: .ambiguous(detail: "x"),
            actions: (VerdictExample.retry, VerdictExample.retry, VerdictExample.retry)),
        Case(
            name: "HTML", answer: Wording.answer(200, "<html>"),
            actions: (.malformedAnswer, .malformedAnswer, .malformedAnswer)),
        Case(
            name: "no content", answer: Wording.answer(204),
            actions: (.malformedAnswer, .malformedAnswer, .malformedAnswer)),
        Case(
            name: "permission",
            answer: Wording.answer(403, Wording.error(403, "PERMISSION_DENIED", "The caller does not have permission")),
            actions: (
                .deadUnlessSystemic(.permissionDenied, .apiRetired, accounts: 5),
                .deadUnlessSystemic(.permissionDenied, .apiRetired, accounts: 5), .call
            )),
        Case(name: "429", answer: Wording.answer(429), actions: (.throttle, .throttle, .throttle)),
        Case(
            name: "503", answer: Wording.answer(503),
            actions: (VerdictExample.retry, VerdictExample.retry, VerdictExample.retry)),
        Case(
            name: "401", answer: Wording.answer(401, VerdictExample.unauthenticated),
            actions: (.retryOnFreshToken, .retryOnFreshToken, .retryOnFreshToken)),
        Case(
            name: "a limit", answer: Wording.answer(403, Wording.legacy(403, "quotaExceeded")),
            actions: (.throttle, .throttle, .throttle)),
        Case(
            name: "cut", answer: .answered(status: 200, fields: [], body: [], isWhole: false),
            actions: (.malformedAnswer, .malformedAnswer, .malformedAnswer)),
        Case(
            name: "421", answer: Wording.answer(421),
            actions: (VerdictExample.retry, VerdictExample.retry, VerdictExample.retry)),
    ]

    /// What says that the user has left, or owns the album, only if everything around it is as the method has it.
    static let untrustedShares: [String] = [
        #"{"isJoined":"true"}"#, #"{"isJoined":"false"}"#, #"{"isJoined":1}"#, #"{"isJoined":0}"#,
        #"{"isJoined":null}"#, #"{"isJoined":[]}"#, #"{"isJoined":{}}"#, #"{"isOwned":"true"}"#, #"{"isOwned":1}"#,
        #"{"isOwned":null,"isJoined":false}"#, #"{"isOwned":true,"isJoined":"no"}"#, #"{"isJoinable":"yes"}"#,
        #"{"shareToken":"another","isJoined":false}"#, #"{"shareToken":"another","isOwned":true}"#,
        #"{"shareToken":""}"#, #"{"shareToken":7}"#, #"{"shareToken":null}"#, #"{"sharedAlbumOptions":true}"#,
        #"{"shareableUrl":7}"#, #"{"isJoined":true,"isJoined":false}"#, #"{"isJoined":false,"x":1e400}"#, "[]", "null",
        "\"joined\"", "true", "7", #"[{"isJoined":false}]"#,
    ]

    @Test("An album that is not as the method has it tells nothing", arguments: untrustedShares)
    func untrusted(share: String) {
        let answer = Self.album(share)
        let before = VerdictTable.verdict(forAlbumQuery: answer, after: nil, context: Wording.context(ambiguous: true))
        #expect((before.action, before.album) == (.call, .inconclusive))
        let after = VerdictTable.verdict(
            forAlbumQuery: answer, after: Self.refusal(ambiguous: false), context: Wording.context())
        #expect((after.action, after.album) == (Self.stale, .inconclusive))
    }

    @Test("Members that the method may get later are nothing to go by")
    func unknownMembers() {
        let answer = Self.album(#"{"isJoined":false,"shareToken":"\#(Wording.shareToken)","more":{"isJoined":true}}"#)
        let verdict = VerdictTable.verdict(forAlbumQuery: answer, after: nil, context: Wording.context())
        #expect(verdict.action == .alreadyLeft)
    }

    private static let plain = ["", "<html>", "{}", #"{"error":"no"}"#, Wording.error(400, "INVALID_ARGUMENT", "m")]

    @Test(
        "Whatever refuses the question leaves it open, and holds nobody",
        arguments: [301, 302, 303, 307, 308, 400, 402, 404, 405, 406, 410, 411, 413, 414, 415, 418, 422, 451, 501])
    func refusedQuery(http: Int) {
        for body in Self.plain {
            for (refusal, action) in [(nil, VerdictAction.call), (Self.refusal(ambiguous: false), Self.stale)] {
                let verdict = VerdictTable.verdict(
                    forAlbumQuery: Wording.answer(http, body), after: refusal, context: Wording.context())
                #expect((verdict.action, verdict.album) == (action, .inconclusive), "\(body)")
            }
        }
    }

    static let refusedCallers: [(Int, String, Bool)] = [
        (401, VerdictExample.unauthenticated, true), (401, "<html>", false), (401, "<html>", true),
        (403, "<html>", false),
        (403, "", false), (403, Wording.error(403, "PERMISSION_DENIED", "m"), false),
        (403, Wording.error(403, "PERMISSION_DENIED", "m", reason: "SERVICE_DISABLED"), false),
        (403, Wording.error(403, "PERMISSION_DENIED", "m", reason: "USER_BLOCKED_BY_ADMIN"), false),
    ]

    @Test("A caller who may not ask may call, and hears from that what it is", arguments: refusedCallers.indices)
    func refusedCaller(index: Int) {
        let (http, body, isRefreshed) = Self.refusedCallers[index]
        let context = Wording.context(ambiguous: true, refreshed: isRefreshed)
        let before = VerdictTable.verdict(forAlbumQuery: Wording.answer(http, body), after: nil, context: context)
        #expect((before.action, before.album) == (.call, .inconclusive))
        let after = VerdictTable.verdict(
            forAlbumQuery: Wording.answer(http, body), after: Self.refusal(ambiguous: true), context: context)
        #expect(after.album == nil)
    }

    @Test("The question's status is its own, and the words of both are told apart")
    func whoseStatus() {
        let verdict = VerdictTable.verdict(
            forAlbumQuery: Wording.answer(410, Wording.error(410, nil, "Gone")), after: Self.refusal(ambiguous: false),
            context: Wording.context())
        #expect((verdict.httpStatus, verdict.row) == (410, 9))
        #expect(
            verdict.detail
                == "HTTP 404 NOT_FOUND: Requested entity was not found.; asking the album: HTTP 410: Gone; "
                + "the album does not tell whether the user is in it")
        let failed = VerdictTable.verdict(
            forAlbumQuery: Wording.answer(503), after: Self.refusal(ambiguous: false), context: Wording.context())
        #expect(failed.httpStatus == 503)
        #expect(failed.detail == "HTTP 404 NOT_FOUND: Requested entity was not found.; asking the album: HTTP 503")
    }

    @Test(arguments: cases) func word(of example: Case) {
        let refused = Self.refusal(ambiguous: false)
        let unsure = Self.refusal(ambiguous: true)
        #expect(refused.row == 9 && unsure.row == 10)
        let after = VerdictTable.verdict(forAlbumQuery: example.answer, after: refused, context: Wording.context())
        let afterUnheard = VerdictTable.verdict(
            forAlbumQuery: example.answer, after: unsure, context: Wording.context(ambiguous: true))
        let before = VerdictTable.verdict(
            forAlbumQuery: example.answer, after: nil, context: Wording.context(ambiguous: true))
        #expect(after.action == example.actions.0)
        #expect(afterUnheard.action == example.actions.1)
        #expect(before.action == example.actions.2)
        // A query has no effect, so nothing is in doubt after it.
        #expect(!after.marksAmbiguous && !afterUnheard.marksAmbiguous && !before.marksAmbiguous)
        #expect(!after.isUnheard && !afterUnheard.isUnheard && !before.isUnheard)
        if after.album != nil { #expect(after.detail.contains("HTTP 404")) }
    }

    @Test func whoAssumesThatTheUserHasLeftReadsSo() {
        let context = Wording.context(ambiguous: true, assumesLeft: true)
        let verdict = VerdictTable.verdict(.inconclusive, after: Self.refusal(ambiguous: true), context: context)
        #expect(verdict.action == .alreadyLeft)
        #expect(verdict.detail.contains("taken for left"))
        // Without an earlier call that went unheard there is nothing to assume.
        let sure = VerdictTable.verdict(
            .inconclusive, after: Self.refusal(ambiguous: false), context: Wording.context(assumesLeft: true))
        #expect(sure.action == Self.stale)
    }
}
