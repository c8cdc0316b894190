import Jobs
import Photos
import Testing

/// What the album's word makes of a job.
@Suite struct ProbeTests {
    private static func album(_ share: String) -> Answer { Wording.answer(200, #"{"id":"1","shareInfo":\#(share)}"#) }

    /// The refusal that asks, as rows 9, 10 and 27 make it.
    private static func refusal(ambiguous: Bool) -> Verdict {
        VerdictTable.verdict(
            for: Wording.answer(404, Wording.error(404, "NOT_FOUND", "Requested entity was not found.")),
            context: Wording.context(ambiguous: ambiguous))
    }

    /// A fuzzer's find: the words before it made it longer than any detail may be.
    @Test("What the API says at length when the album is asked is cut like any detail")
    func longWords() {
        let words = Wording.error(500, "INTERNAL", String(repeating: "m", count: 600))
        let verdict = VerdictTable.verdict(
            forProbe: Wording.answer(500, words), after: nil, context: Wording.context())
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

    private static let stale = VerdictAction.deadUnlessWorldsFault(.shareTokenInvalid, .apiRetired, accounts: 20)
    private static let unknown = VerdictAction.deadUnlessWorldsFault(.outcomeUnknown, .apiRetired, accounts: 20)

    static let cases: [Case] = [
        Case(
            name: "owned goes before joined", answer: album(#"{"isOwned":true,"isJoined":true}"#),
            actions: (.dead(.albumOwner), .dead(.albumOwner), .dead(.albumOwner))),
        Case(
            name: "not joined", answer: album(#"{"isJoined":false}"#),
            actions: (.alreadyLeft, .alreadyLeft, .alreadyLeft)),
        Case(
            name: "what is false is left out", answer: album(#"{"shareToken":"t","isJoinable":true}"#),
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
            name: "wrong path", answer: Wording.answer(404, Wording.html404),
            actions: (
                VerdictExample.unexpected, VerdictExample.unexpected, VerdictExample.unexpected
            )),
        Case(name: "not sent", answer: .notSent(detail: "x"), actions: (.retryNetwork, .retryNetwork, .retryNetwork)),
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
                .deadUnlessWorldsFault(.permissionDenied, .apiRetired, accounts: 5),
                .deadUnlessWorldsFault(.permissionDenied, .apiRetired, accounts: 5),
                .deadUnlessWorldsFault(.permissionDenied, .apiRetired, accounts: 5)
            )),
        Case(name: "429", answer: Wording.answer(429), actions: (.throttle, .throttle, .throttle)),
        Case(
            name: "503", answer: Wording.answer(503),
            actions: (VerdictExample.retry, VerdictExample.retry, VerdictExample.retry)),
        Case(
            name: "401", answer: Wording.answer(401, VerdictExample.unauthenticated),
            actions: (.retryOnFreshToken, .retryOnFreshToken, .retryOnFreshToken)),
    ]

    @Test(arguments: cases) func word(of example: Case) {
        let refused = Self.refusal(ambiguous: false)
        let unsure = Self.refusal(ambiguous: true)
        #expect(refused.row == 9 && unsure.row == 10)
        let after = VerdictTable.verdict(forProbe: example.answer, after: refused, context: Wording.context())
        let afterUnheard = VerdictTable.verdict(
            forProbe: example.answer, after: unsure, context: Wording.context(ambiguous: true))
        let before = VerdictTable.verdict(
            forProbe: example.answer, after: nil, context: Wording.context(ambiguous: true))
        #expect(after.action == example.actions.0)
        #expect(afterUnheard.action == example.actions.1)
        #expect(before.action == example.actions.2)
        // A probe has no effect, so nothing is in doubt after it.
        #expect(!after.marksAmbiguous && !afterUnheard.marksAmbiguous && !before.marksAmbiguous)
        if after.album != nil { #expect(after.detail.contains("HTTP 404")) }
    }

    @Test func whoAssumesThatTheUserHasLeftIsToldSo() {
        let context = Wording.context(ambiguous: true, assumesLeft: true)
        let verdict = VerdictTable.verdict(.cannotTell, after: Self.refusal(ambiguous: true), context: context)
        #expect(verdict.action == .alreadyLeft)
        #expect(verdict.detail.contains("taken for left"))
        // Without an earlier call that went unheard there is nothing to assume.
        let sure = VerdictTable.verdict(
            .cannotTell, after: Self.refusal(ambiguous: false), context: Wording.context(assumesLeft: true))
        #expect(sure.action == Self.stale)
    }
}
