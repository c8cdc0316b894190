import Jobs
import Photos
import PipelineHarness

/// A row of the table whose answer can be one job's fault or everybody's.
struct RefusalRow: Sendable, CustomStringConvertible {
    var row: String
    /// How many words it takes.
    var threshold: Int
    /// How a job ends whose own fault it is.
    var reasons: Set<String>
    var answer: @Sendable (ScriptedPhotos.Call) -> Answer
    var album = Answer.album(joined: true)

    var description: String { row }

    private static func info(_ http: Int, _ status: String, _ reason: String) -> Answer {
        .answered(
            status: http, fields: [],
            body: Array(
                """
                {"error":{"code":\(http),"message":"m","status":"\(status)","details":[{"@type":\
                "type.googleapis.com/google.rpc.ErrorInfo","reason":"\(reason)","domain":"googleapis.com"}]}}
                """.utf8))
    }

    private static func always(_ answer: Answer) -> @Sendable (ScriptedPhotos.Call) -> Answer { { _ in answer } }

    private static func html(_ status: Int) -> Answer {
        .answered(status: status, fields: [], body: Array("<html>".utf8))
    }

    private static let wrong: Set<String> = ["unexpected_status"]
    private static let denied: Set<String> = ["permission_denied"]

    /// Refusals that end a job at once if they are its own.
    static let refusals = [
        RefusalRow(row: "6, 302", threshold: 2, reasons: wrong, answer: always(.redirect)),
        RefusalRow(
            row: "7", threshold: 2, reasons: ["client_bug"],
            answer: always(.error(400, "INVALID_ARGUMENT", "Invalid JSON payload received."))),
        RefusalRow(
            row: "9", threshold: 20, reasons: ["share_token_invalid"], answer: always(.unknownToken),
            album: .unknownToken),
        RefusalRow(row: "11, 404 HTML", threshold: 2, reasons: wrong, answer: always(html(404))),
        RefusalRow(
            row: "13", threshold: 5, reasons: ["auth_rejected"], answer: always(.error(401, "UNAUTHENTICATED", "x"))),
        RefusalRow(
            row: "15", threshold: 2, reasons: ["auth_rejected"],
            answer: always(info(401, "UNAUTHENTICATED", "CREDENTIALS_MISSING"))),
        RefusalRow(
            row: "16", threshold: 2, reasons: denied,
            answer: always(.error(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes."))),
        RefusalRow(
            row: "17", threshold: 2, reasons: denied, answer: always(info(403, "PERMISSION_DENIED", "SERVICE_DISABLED"))
        ),
        RefusalRow(
            row: "18", threshold: 2, reasons: denied, answer: always(info(403, "PERMISSION_DENIED", "BILLING_DISABLED"))
        ),
        RefusalRow(
            row: "20", threshold: 5, reasons: denied,
            answer: always(.error(403, "PERMISSION_DENIED", "The caller does not have permission"))),
        RefusalRow(row: "32, 403 HTML", threshold: 2, reasons: wrong, answer: always(html(403))),
    ]

    /// Failures and limits, which end a job when its attempts or its time are spent.
    static let failures = [
        RefusalRow(
            row: "3", threshold: 5, reasons: ["attempts_exhausted"], answer: always(.ambiguous(detail: "reset"))),
        RefusalRow(
            row: "10", threshold: 20, reasons: ["outcome_unknown"],
            answer: { $0.earlier == 0 ? .ambiguous(detail: "reset") : .unknownToken }, album: .unknownToken),
        RefusalRow(
            row: "24", threshold: 2, reasons: ["attempts_exhausted"], answer: always(.error(429, "RESOURCE_EXHAUSTED"))
        ),
        RefusalRow(row: "31, 503", threshold: 5, reasons: ["attempts_exhausted"], answer: always(.unavailable)),
    ]
}
