import AMQP
import Clocks
import Concurrency
import Credentials
import HTTP
import Secrets
import Telemetry
import Testing

@testable import Jobs
@testable import Photos
@testable import Pipeline

/// Whatever holds a token prints without it, so that no sentence made of it can tell one.
@Suite struct SecretTextTests {
    private static let noon = Timestamp(milliseconds: 1_795_435_200_000)
    private static let share = "AF1Qip-share-token-0123456789"
    private static let bearer = "ya29.bearer-token-0123456789"

    private func secret(_ text: String) -> Secret { Secret(copying: Array(text.utf8)) }

    private func expectSilence(_ value: some Any, _ what: String) {
        var dumped = ""
        dump(value, to: &dumped)
        for message in ["\(value)", String(reflecting: value), dumped] {
            for token in [Self.share, Self.bearer] {
                #expect(!message.contains(token.prefix(12)), "\(what): \(message)")
            }
        }
    }

    @Test func valuesWithTokensPrintWithoutThem() throws {
        let body = #"{"jobId":"j","account":"anna","shareToken":"\#(Self.share)"}"#
        let job = try JobDecoder.decode(
            body: Array(body.utf8), contentType: nil, contentEncoding: nil, messageID: nil
        ).get()
        expectSilence(job, "job")
        expectSilence(job.shareToken, "share token")
        let token = AccessToken(secret: secret(Self.bearer))
        expectSilence(token, "access token")
        expectSilence(TokenAnswer.token(token), "answer of a provider")
        expectSilence(RefreshAnswer.token(token, refreshToken: secret(Self.share)), "answer of the token endpoint")
        expectSilence(
            Grant(account: AccountID("anna"), clientID: "c", refreshToken: secret(Self.share), updatedAt: Self.noon),
            "grant")
        expectSilence(
            HTTPRequest(.post, url: "https://api.example/x", fields: [], bearer: secret(Self.bearer)), "request")
        expectSilence(LinkConfiguration.Authentication.plain(username: "u", password: secret(Self.bearer)), "login")
    }

    /// The fields of a line have no case for a secret; what is made text on the way is text without it.
    @Test func aLineMadeOfThemShowsNoSecret() {
        let reported = Lock<[LogLine]>([])
        let logger = Logger(control: LogControl(level: .trace)) { line in reported.withLock { $0.append(line) } }
        let token = ShareToken(secret(Self.share))
        logger.warning(
            "calling for \(token) with \(secret(Self.bearer))", LogField("token", "\(token)"),
            LogField("all", "\([token.secret])"))
        let lines = reported.withLock { $0 }
        #expect(lines.count == 1)
        for line in lines {
            let text = line.text(hashesAccounts: false) + line.json(hashesAccounts: false)
            #expect(text.contains("<redacted>") && !text.contains("AF1Qip") && !text.contains("ya29"))
        }
    }

    // MARK: Words of others

    private func message(_ status: Int, _ body: String) -> String {
        "\(RefreshAnswer(.answered(HTTPResponse(status: status, body: Array(body.utf8))), now: Self.noon))"
    }

    /// RFC 6749, section 5.2, lets the endpoint say what it likes in error_description.
    @Test(arguments: [
        #"{"error":"invalid_grant","error_description":"1//0refresh-token-0123456789 is unknown"}"#,
        #"{"error":"1//0refresh-token-0123456789"}"#, #"{"error":"x","refresh_token":"1//0refresh-token-0123456789"}"#,
        #"{"error":"invalid_client","error_description":"GOCSPX-0refresh-token-0123456789"}"#,
        #"{"error_description":"1//0refresh-token-0123456789"}"#, "1//0refresh-token-0123456789",
    ])
    func theTokenEndpointCannotMakeUsLogAToken(body: String) {
        for status in [200, 400, 401, 403, 503] {
            let reported = message(status, body)
            #expect(!reported.contains("0refresh-token"), "\(status): \(reported)")
        }
    }

    @Test(arguments: ["temporarily_unavailable", "admin_policy_enforced", "unsupported_grant_type", "invalid_grant"])
    func theCodesOfTheTokenEndpointStayReadable(code: String) {
        #expect(
            message(400, #"{"error":"\#(code)","error_description":"because of that"}"#).contains("\(code): because"))
    }

    @Test func linkErrorsNameTheEndpointWithoutItsLogin() {
        let endpoint = Endpoint(host: "mq.example", port: 5671, virtualHost: "v", tls: TLSConfiguration())
        let error = LinkError(
            .loginRefused, endpoint: endpoint.description, attempted: "logging in", message: "refused")
        #expect("\(error)" == "logging in at amqps://mq.example:5671 (vhost v): refused")
    }

    // MARK: Accounts in words of others

    /// A hold's detail and a parked job's cause stand in lines that have no account to hash.
    @Test func aProvidersMessageDoesNotNameTheAccount() {
        let message = "no grant of anna@example.org here"
        let answers: [TokenAnswer] = [
            .grantRevoked(message), .scopeMissing(message), .reauthRequired(message), .accountBlocked(message),
            .rejected(message), .unavailable(message, retryAfter: .seconds(7)), .misconfigured(message),
        ]
        for answer in answers {
            let hidden = answer.hiding(AccountID("anna@example.org"))
            #expect("\(hidden)" == "\(answer)".replacing("anna@example.org", with: "<account>"))
        }
    }

    @Test func theAPIsMessageDoesNotNameTheAccount() {
        let body = #"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"User anna@example.org is blocked."}}"#
        let context = VerdictContext(
            isAmbiguous: false, now: Self.noon, shareToken: Secret(copying: Array("share-token".utf8)),
            bearer: Secret(copying: Array("access-token".utf8)), account: Array("anna@example.org".utf8))
        let verdict = VerdictTable.verdict(
            for: .answered(status: 403, fields: [], body: Array(body.utf8)), context: context)
        #expect(verdict.detail.hasSuffix("User <account> is blocked."), "\(verdict.detail)")
    }
}
