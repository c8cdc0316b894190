import Jobs
import Photos
import Testing

@Suite("What an answer says besides its verdict")
struct AnswerReadingTests {
    static func verdict(
        _ http: Int, _ body: String = "", _ fields: [(name: String, value: String)] = []
    ) -> Verdict {
        VerdictTable.verdict(for: Wording.answer(http, body, fields), context: Wording.context())
    }

    static let waits: [(String, Duration?)] = [
        ("120", .seconds(120)), ("0", nil), ("-5", nil), ("", nil), ("1.5", nil), ("soon", nil),
        ("86400", .seconds(86_400)), ("86401", .seconds(86_400)), ("99999999999999999999999", .seconds(86_400)),
        ("Mon, 23 Nov 2026 19:51:30 GMT", .seconds(90)), ("Monday, 23-Nov-26 19:51:30 GMT", .seconds(90)),
        ("Mon, 23 Nov 2026 19:49:00 GMT", nil), ("Mon, 23 Nov 2036 19:49:00 GMT", .seconds(86_400)),
    ]

    @Test("Retry-After is seconds or a date, and at most a day", arguments: waits)
    func retryAfter(value: String, wait: Duration?) {
        #expect(Self.verdict(503, "", [("retry-AFTER", value)]).minimumWait == wait)
    }

    static func retryInfo(_ delay: String) -> String {
        Wording.error(
            429, "RESOURCE_EXHAUSTED", "m",
            details: [#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":\#(delay)}"#])
    }

    static let delays: [(String, Duration?)] = [
        (#""3s""#, .seconds(3)), (#""1.250s""#, .milliseconds(1250)), (#""0.000000001s""#, .nanoseconds(1)),
        (#""315576000000s""#, .seconds(86_400)), (#""99999999999999999999s""#, nil), (#""-3s""#, nil), (#""3""#, nil),
        (#""s""#, nil), (#""1.s""#, nil), (#""1.0000000000s""#, nil), ("3", nil), ("null", nil),
        (#"{"seconds":3}"#, nil),
    ]

    @Test("RetryInfo is a duration of protobuf's, and at most a day", arguments: delays)
    func retryInfo(delay: String, wait: Duration?) {
        #expect(Self.verdict(429, Self.retryInfo(delay)).minimumWait == wait)
    }

    @Test("The longer of both is the minimum")
    func longerWait() {
        let body = Self.retryInfo(#""30s""#)
        #expect(Self.verdict(429, body, [("Retry-After", "7")]).minimumWait == .seconds(30))
        #expect(Self.verdict(429, body, [("Retry-After", "70")]).minimumWait == .seconds(70))
    }

    @Test("Status and wording go to the result")
    func wording() {
        let verdict = Self.verdict(
            403, Wording.error(403, "PERMISSION_DENIED", "The caller does not\\u0000 have permission", reason: "R"))
        #expect((verdict.httpStatus, verdict.apiStatus) == (403, "PERMISSION_DENIED"))
        #expect(verdict.detail == "HTTP 403 PERMISSION_DENIED R: The caller does not  have permission")
        #expect(Self.verdict(200).detail == "HTTP 200")
        #expect((Self.verdict(200).httpStatus, Self.verdict(200).apiStatus) == (200, nil))
        #expect(
            Self.verdict(502, "<html>", [("Content-Type", "text/html")]).detail
                == "HTTP 502 with a body that is no JSON object (6 bytes, text/html)")
        let unsent = VerdictTable.verdict(for: .notSent(detail: "refused"), context: Wording.context())
        #expect(unsent.httpStatus == nil)
        #expect(unsent.detail == "the request was not sent: refused")
        let late = VerdictTable.verdict(for: .tooLate(detail: "over"), context: Wording.context())
        #expect(late.detail == "the request was not sent in time: over")
    }

    @Test("A status that is none of the names is not handed on")
    func unknownStatus() {
        let verdict = Self.verdict(400, Wording.error(400, Wording.shareToken, "m"))
        #expect(verdict.apiStatus == nil)
        #expect(!verdict.detail.contains(Wording.shareToken))
    }

    static let echoes: [String] = [
        Wording.error(404, "NOT_FOUND", "No album \(Wording.shareToken)."),
        Wording.error(404, "NOT_FOUND", "No album \(Wording.escapedToken)."),
        Wording.error(404, "NOT_FOUND", "No album \(Wording.shareToken.prefix(20))..."),
        Wording.error(404, "NOT_FOUND", "m", reason: Wording.shareToken),
        Wording.error(429, "RESOURCE_EXHAUSTED", "m", reason: "R", quotaLimit: Wording.shareToken),
        Wording.error(404, "NOT_FOUND", "No token \(Wording.bearer), sorry"),
        Wording.legacy(404, Wording.shareToken),
        Wording.error(404, "NOT_FOUND", String(repeating: "x", count: 470) + Wording.shareToken),
    ]

    @Test("Neither token is in a detail, however the service echoes it", arguments: echoes)
    func echo(body: String) {
        let detail = Self.verdict(404, body).detail
        #expect(!Wording.shows(detail))
    }

    @Test("Neither token is in the detail of a transport's failure or of a body that is no JSON")
    func transportEcho() {
        for answer in [
            Answer.notSent(detail: "no \(Wording.bearer)"), .tooLate(detail: Wording.shareToken),
            .tlsTrustFailure(detail: "no \(Wording.shareToken)"),
            .ambiguous(detail: "GET /v1/sharedAlbums/\(Wording.escapedToken) reset"),
            Wording.answer(404, "<html>\(Wording.shareToken)", [("content-type", "text/\(Wording.shareToken)")]),
        ] {
            let detail = VerdictTable.verdict(for: answer, context: Wording.context()).detail
            #expect(!Wording.shows(detail))
        }
    }

    static let strangeErrors: [String] = [
        #"{"error":{}}"#, #"{"error":{"code":"400","message":7,"status":["INVALID_ARGUMENT"],"details":{}}}"#,
        #"{"error":{"code":1e300,"message":null,"details":[null,7,"x",[],{"@type":3},{"@type":"google.rpc.ErrorInfo"}]}}"#,
        #"{"error":{"details":[{"@type":"x/google.rpc.ErrorInfo","reason":7,"metadata":[]}],"errors":[1,{"reason":2}]}}"#,
        #"{"error":{"code":-9223372036854775808,"status":""}}"#,
    ]

    @Test("Members of the wrong type count as absent", arguments: strangeErrors)
    func wrongTypes(body: String) {
        let verdict = Self.verdict(400, body)
        #expect((verdict.row, verdict.apiStatus) == (9, nil))
        #expect(verdict.detail == "HTTP 400")
        #expect(Self.verdict(403, body).row == 20)
        #expect(Self.verdict(200, body).row == 5)
    }
}
