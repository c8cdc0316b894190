import Clocks
import Credentials
import HTTP
import Secrets
import Testing

/// What the token endpoint says, and what it does not.
@Suite struct RefreshAnswerTests {
    private static let noon = Timestamp(milliseconds: 1_795_435_200_000)

    private static func answer(
        _ status: Int, _ body: String, _ fields: [HTTPField] = [], isUndecodable: Bool = false
    ) -> RefreshAnswer {
        RefreshAnswer(
            .answered(
                HTTPResponse(status: status, fields: fields, body: Array(body.utf8), bodyIsUndecodable: isUndecodable)),
            now: noon)
    }

    private static func word(_ answer: RefreshAnswer) -> String {
        switch answer {
        case .token: "token"
        case .revoked: "revoked"
        case .reauthRequired: "reauthRequired"
        case .misconfigured: "misconfigured"
        case .scopeMissing: "scopeMissing"
        case .accountBlocked: "accountBlocked"
        case .unavailable: "unavailable"
        case .unheard: "unheard"
        case .malformed: "malformed"
        }
    }

    /// Members beside the access token, and how long it is good; nil: the answer is not understood.
    static let successes: [(String, Int64?)] = [
        ("", 3_600), (#","expires_in":3599"#, 3_599), (#","expires_in":"3599""#, 3_599),
        (#","expires_in":3599.0"#, 3_599),
        (#","expires_in":null"#, 3_600), (#","expires_in":9223372036854775807"#, 86_400),
        (#","expires_in":1e300"#, nil),
        (#","expires_in":0"#, nil), (#","expires_in":-1"#, nil), (#","expires_in":"-1""#, nil),
        (#","expires_in":"soon""#, nil), (#","expires_in":true"#, nil), (#","expires_in":[3599]"#, nil),
        (#","expires_in":"99999999999999999999""#, nil), (#","expires_in":99999999999999999999"#, nil),
        (#","token_type":"bearer""#, 3_600), (#","token_type":"MAC""#, nil), (#","token_type":7"#, nil),
        (#","scope":"a b""#, 3_600), (#","scope":["a"]"#, nil), (#","scope":null"#, 3_600),
        (#","refresh_token":"next""#, 3_600), (#","refresh_token":7"#, nil), (#","refresh_token":null"#, 3_600),
        (#","refresh_token":["next"]"#, nil), (#","error":"invalid_grant""#, nil), (#","error":null"#, nil),
        (#","access_token":"another""#, nil), (#","scope":"a","scope":"b""#, nil), (#"},{"x":1"#, nil),
    ]

    @Test("A success is one whose members are what they are for", arguments: successes)
    func success(members: String, seconds: Int64?) {
        let answer = Self.answer(200, #"{"access_token":"tok"\#(members)}"#)
        guard case .token(let token, _) = answer else {
            #expect(seconds == nil && Self.word(answer) == "malformed")
            return
        }
        #expect(token.expiresAt == seconds.map { Self.noon + .seconds($0) })
    }

    @Test(
        "What is no access token is none",
        arguments: [
            #"{"access_token":7}"#, #"{"access_token":null}"#, #"{"access_token":""}"#, #"{"access_token":["tok"]}"#,
            #"{"access_token":{"access_token":"tok"}}"#, #"{"access_token":"to k"}"#, #"{"access_token":"tok\n"}"#,
            "{\"access_token\":\"t\u{e9}k\"}", #"[{"access_token":"tok"}]"#, #"{"access_token":"tok""#, "", "tok",
            #"{"access_token":"tok"}{}"#, "\u{feff}{\"access_token\":\"tok\"}", "<html>", "{}",
        ])
    func noToken(body: String) {
        #expect(Self.word(Self.answer(200, body)) == "malformed")
    }

    @Test func whatWasCutOrCannotBeDecodedIsNotUnderstood() {
        let good = #"{"access_token":"tok"}"#
        #expect(Self.word(Self.answer(200, good)) == "token")
        #expect(Self.word(Self.answer(200, good, isUndecodable: true)) == "malformed")
        #expect(Self.word(Self.answer(400, #"{"error":"invalid_grant"}"#, isUndecodable: true)) == "unavailable")
        let cut = RefreshAnswer(
            .answered(HTTPResponse(status: 200, body: Array(good.utf8), bodyExceededCap: true)), now: Self.noon)
        #expect(Self.word(cut) == "malformed")
    }

    static let refusals: [(Int, String, String)] = [
        (400, #"{"error":"invalid_grant"}"#, "revoked"),
        (400, #"{"error":"invalid_grant","error_subtype":"invalid_rapt"}"#, "reauthRequired"),
        (401, #"{"error":"invalid_client"}"#, "misconfigured"),
        (400, #"{"error":"unauthorized_client"}"#, "misconfigured"),
        (401, #"{"error":"deleted_client"}"#, "misconfigured"),
        (400, #"{"error":"unsupported_grant_type"}"#, "misconfigured"),
        (400, #"{"error":"invalid_request"}"#, "misconfigured"), (400, #"{"error":"invalid_scope"}"#, "scopeMissing"),
        (403, #"{"error":"access_denied"}"#, "accountBlocked"),
        (400, #"{"error":"admin_policy_enforced"}"#, "accountBlocked"),
        (400, #"{"error":"org_internal"}"#, "accountBlocked"),
        // Nobody's fault that is known: this account waits.
        (400, #"{"error":"internal_failure"}"#, "unavailable"),
        (403, #"{"error":"rate_limit_exceeded"}"#, "unavailable"),
        (400, #"{"error":"comet"}"#, "unavailable"), (400, #"{"error":{"code":400}}"#, "unavailable"),
        (400, #"{"error":7}"#, "unavailable"), (400, "<html>", "unavailable"), (400, "", "unavailable"),
        (403, "<html>", "unavailable"), (404, "<html>", "unavailable"), (401, "", "unavailable"),
        (302, "", "unavailable"), (307, #"{"error":"moved"}"#, "unavailable"), (204, "", "unavailable"),
        (201, #"{"access_token":"tok"}"#, "unavailable"), (418, "{}", "unavailable"),
        (400, #"[{"error":"invalid_client"}]"#, "unavailable"),
        (408, "", "unheard"), (499, "", "unheard"), (502, "", "unheard"), (504, "", "unheard"),
        (500, "", "unavailable"),
        (429, "", "unavailable"), (503, #"{"error":"invalid_client"}"#, "unavailable"),
    ]

    @Test("Only a word that says so is everybody's", arguments: refusals.indices)
    func refusal(index: Int) {
        let (status, body, word) = Self.refusals[index]
        #expect(Self.word(Self.answer(status, body)) == word, "\(status) \(body)")
    }

    @Test func aWaitThatIsAskedForIsKept() {
        let answer = Self.answer(400, #"{"error":"rate_limit_exceeded"}"#, [HTTPField("Retry-After", "90")])
        guard case .unavailable(_, let wait) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(wait == .seconds(90))
    }
}
