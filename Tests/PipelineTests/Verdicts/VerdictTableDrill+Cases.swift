import Clocks
import HTTP
import JSON
import PipelineHarness
import RunningSimulator
import Secrets
import Testing

@testable import Jobs
@testable import Photos
@testable import Pipeline

/// The cases: each row of the table at least once, with what answers so and what becomes of the job.
extension VerdictTableDrill {
    static func wording(_ name: String) -> String { #"{"wording":"\#(name)"}"# }
    static func status(_ status: Int, _ body: String = "") -> String {
        let text = String(decoding: JSONValue.text(body).encoded(), as: UTF8.self)
        return #"{"status":\#(status),"body":\#(text)}"#
    }
    static func fault(_ name: String, applied: Bool) -> String {
        #"{"fault":"\#(name)","applied":\#(applied)}"#
    }

    static let cases: [Case] = [
        Case(row: 1, answer: "refused", end: .ended("left"), calls: 2, scripted: .notSent(detail: "closed port")),
        Case(row: 36, answer: "too late", end: .ended("left"), calls: 2, scripted: .tooLate(detail: "over")),
        Case(
            row: 2, answer: "certificate (scripted)", end: .hold(.tlsTrust), calls: 2,
            scripted: .tlsTrustFailure(detail: "unknown CA")),
        Case(
            row: 3, answer: "reset, effect happened", action: fault("reset", applied: true), count: 1,
            end: .ended("already_left"), calls: 1, queries: 1, attempts: 1),
        Case(
            row: 3, answer: "reset, no effect", action: fault("reset", applied: false), count: 1, end: .ended("left"),
            calls: 2, queries: 1, attempts: 1),
        Case(
            row: 3, answer: "truncated headers", action: fault("truncated_headers", applied: true), count: 1,
            end: .ended("already_left"), calls: 1, queries: 1, attempts: 1),
        Case(
            row: 3, answer: "closed twice, no effect", action: fault("close", applied: false), count: 2,
            end: .ended("left"), calls: 3, queries: 2, attempts: 2),
        Case(row: 4, answer: "200 {}", end: .ended("left"), calls: 1),
        Case(row: 4, answer: "200, no body", action: wording("empty"), end: .ended("left"), calls: 1),
        Case(row: 4, answer: "204", action: wording("no_content"), end: .ended("left"), calls: 1),
        Case(
            row: 5, answer: "HTML twice", action: wording("html_200"), count: 2, end: .ended("left"), calls: 3,
            queries: 2,
            attempts: 2),
        Case(
            row: 5, answer: "HTML", action: wording("html_200"), end: .ended("response_malformed"), calls: 3,
            queries: 2,
            attempts: 2),
        Case(
            row: 5, answer: "200 []", action: wording("not_an_object"), end: .ended("response_malformed"), calls: 3,
            queries: 2, attempts: 2),
        Case(
            row: 5, answer: "ten bytes of gzip once", action: wording("cut_gzip"), count: 1, end: .ended("left"),
            calls: 2, queries: 1, attempts: 1),
        Case(
            row: 5, answer: "ten bytes of gzip", action: wording("cut_gzip"), end: .ended("response_malformed"),
            calls: 3, queries: 2, attempts: 2),
        Case(row: 6, answer: "302", action: wording("redirect"), end: .hold(.endpointMisconfigured), calls: 2),
        Case(
            row: 6, answer: "302 beside a success", action: wording("redirect"), end: .ended("unexpected_status"),
            calls: 1),
        Case(
            row: 6, answer: "202", action: status(202, "{}"), end: .ended("response_malformed"), calls: 3, queries: 2,
            attempts: 2),
        Case(
            row: 7, answer: "Invalid JSON payload", action: wording("client_bug"), end: .ended("client_bug"), calls: 1),
        Case(row: 8, answer: "owner", end: .ended("album_owner"), calls: 1, queries: 1, isOwner: true),
        Case(
            row: 9, answer: "Requested entity was not found, joined", action: wording("not_found"),
            end: .ended("leave_refused"), calls: 1, queries: 1),
        Case(
            row: 9, answer: "Request contains an invalid argument", action: wording("invalid_share_token"),
            end: .ended("leave_refused"), calls: 1, queries: 1),
        Case(
            row: 9, answer: "Precondition check failed", action: wording("failed_precondition"),
            end: .ended("leave_refused"), calls: 1, queries: 1),
        Case(
            row: 9, answer: "No permission to add media items", action: wording("no_permission_400"),
            end: .ended("leave_refused"), calls: 1, queries: 1),
        Case(
            row: 9, answer: "not found, the album as well", action: wording("not_found"), album: wording("not_found"),
            end: .ended("share_token_invalid"), calls: 1, queries: 1),
        Case(
            row: 9, answer: "not found, in an array", action: wording("not_found_array"), end: .ended("leave_refused"),
            calls: 1, queries: 1),
        Case(
            row: 9, answer: "not found, the album a wrong path", action: wording("not_found"),
            album: wording("wrong_path"), end: .ended("share_token_invalid"), calls: 1, queries: 1),
        Case(
            row: 9, answer: "not found, the album is gone", action: wording("not_found"), album: wording("gone"),
            end: .ended("share_token_invalid"), calls: 1, queries: 1),
        Case(
            row: 9, answer: "not found, the album a redirect", action: wording("not_found"),
            album: wording("redirect"), end: .ended("share_token_invalid"), calls: 1, queries: 1),
        Case(
            row: 9, answer: "not found, isJoined a text", action: wording("not_found"),
            album: wording("joined_as_text"), end: .ended("share_token_invalid"), calls: 1, queries: 1),
        Case(
            row: 9, answer: "not found, another album", action: wording("not_found"),
            album: wording("another_album"), end: .ended("share_token_invalid"), calls: 1, queries: 1),
        Case(
            row: 10, answer: "lost, then not found", action: fault("reset", applied: true), count: 1,
            album: wording("not_found"), end: .ended("outcome_unknown"), calls: 2, queries: 1, attempts: 1),
        Case(
            row: 10, answer: "the same, assuming", action: fault("reset", applied: true), count: 1,
            album: wording("not_found"), end: .ended("already_left"), calls: 2, queries: 1, attempts: 1,
            assumesLeft: true),
        Case(
            row: 11, answer: "That's all we know", action: wording("wrong_path"), end: .hold(.endpointMisconfigured),
            calls: 2),
        Case(
            row: 11, answer: "Method not found", action: wording("method_not_found"),
            end: .hold(.endpointMisconfigured),
            calls: 2),
        Case(row: 11, answer: "405", action: status(405), end: .hold(.endpointMisconfigured), calls: 2),
        Case(row: 11, answer: "501", action: wording("unimplemented"), end: .hold(.endpointMisconfigured), calls: 2),
        Case(
            row: 11, answer: "That's all we know, beside a success", action: wording("wrong_path"),
            end: .ended("unexpected_status"), calls: 1),
        Case(row: 12, answer: "401 once", action: wording("invalid_token"), count: 1, end: .ended("left"), calls: 2),
        Case(row: 12, answer: "bare 16 once", action: wording("no_session"), count: 1, end: .ended("left"), calls: 2),
        Case(row: 13, answer: "401 always", action: wording("invalid_token"), end: .ended("auth_rejected"), calls: 8),
        Case(row: 13, answer: "bare 16 always", action: wording("no_session"), end: .ended("scope_missing"), calls: 8),
        Case(
            row: 14, answer: "USER_BLOCKED_BY_ADMIN", action: wording("account_blocked"),
            end: .ended("account_blocked"),
            calls: 1),
        Case(
            row: 15, answer: "CREDENTIALS_MISSING", action: wording("bad_client"), end: .hold(.clientFaulty), calls: 2),
        Case(
            row: 15, answer: "the same beside a success", action: wording("bad_client"), end: .ended("auth_rejected"),
            calls: 1),
        Case(
            row: 16, answer: "insufficient scopes", action: wording("scope"), end: .ended("permission_denied"), calls: 1
        ),
        Case(row: 17, answer: "SERVICE_DISABLED", action: wording("api_disabled"), end: .hold(.apiDisabled), calls: 2),
        Case(row: 18, answer: "BILLING_DISABLED", action: wording("billing"), end: .hold(.projectBlocked), calls: 2),
        Case(
            row: 17, answer: "SERVICE_DISABLED beside a success", action: wording("api_disabled"),
            end: .ended("permission_denied"), calls: 1),
        Case(
            row: 18, answer: "BILLING_DISABLED beside a success", action: wording("billing"),
            end: .ended("permission_denied"), calls: 1),
        Case(
            row: 19, answer: "Photos is disabled for the user", action: wording("photos_disabled"),
            end: .ended("photos_disabled_for_user"), calls: 1),
        Case(
            row: 20, answer: "The caller does not have permission", action: wording("permission"),
            end: .ended("permission_denied"), calls: 1),
        Case(row: 21, answer: "per day", action: wording("quota_day"), end: .hold(.quotaDay), calls: 2),
        Case(
            row: 22, answer: "per minute per user", action: wording("quota_minute"), end: .accountHold("quota_minute"),
            calls: 2),
        Case(
            row: 23, answer: "concurrent write request", action: wording("concurrent_write"),
            end: .accountHold("concurrent_write"), calls: 2),
        Case(row: 24, answer: "429", action: wording("rate"), end: .accountHold("quota_minute"), calls: 2),
        Case(
            row: 22, answer: "403 userRateLimitExceeded", action: wording("user_rate"),
            end: .accountHold("quota_minute"), calls: 2),
        Case(
            row: 24, answer: "403 quotaExceeded", action: wording("quota_exceeded"), end: .accountHold("quota_minute"),
            calls: 2),
        Case(
            row: 24, answer: "403 quotaExceeded in an array", action: wording("quota_exceeded_array"),
            end: .accountHold("quota_minute"), calls: 2),
        Case(
            row: 24, answer: "429, Retry-After: 7200", action: wording("rate"), fields: #"{"Retry-After":"7200"}"#,
            end: .accountHold("quota_minute"), calls: 2),
        Case(
            row: 25, answer: "408 once", action: wording("request_timeout"), count: 1, end: .ended("left"), calls: 2,
            queries: 1, attempts: 1),
        Case(
            row: 25, answer: "421 once", action: wording("misdirected"), count: 1, end: .ended("left"), calls: 2,
            attempts: 1),
        Case(
            row: 25, answer: "425 once", action: wording("too_early"), count: 1, end: .ended("left"), calls: 2,
            attempts: 1),
        Case(
            row: 26, answer: "ABORTED once", action: wording("aborted"), count: 1, end: .ended("left"), calls: 2,
            attempts: 1),
        Case(
            row: 26, answer: "ABORTED always", action: wording("aborted"), end: .ended("attempts_exhausted"), calls: 10,
            queries: 1, attempts: 10),
        Case(
            row: 27, answer: "ALREADY_EXISTS", action: wording("already_exists"), end: .ended("leave_refused"),
            calls: 1,
            queries: 1),
        Case(
            row: 28, answer: "504 once", action: wording("deadline"), count: 1, end: .ended("left"), calls: 2,
            queries: 1, attempts: 1),
        Case(
            row: 28, answer: "499 once", action: wording("cancelled"), count: 1, end: .ended("left"), calls: 2,
            queries: 1, attempts: 1),
        Case(
            row: 29, answer: "INTERNAL once", action: wording("internal"), count: 1, end: .ended("left"), calls: 2,
            attempts: 1),
        Case(row: 30, answer: "DATA_LOSS", action: wording("data_loss"), end: .ended("server_data_loss"), calls: 1),
        Case(
            row: 31, answer: "503 once", action: wording("unavailable"), count: 1, end: .ended("left"), calls: 2,
            attempts: 1),
        Case(
            row: 31, answer: "503 HTML once", action: wording("unavailable_html"), count: 1, end: .ended("left"),
            calls: 2, attempts: 1),
        Case(
            row: 31, answer: "502 once", action: wording("bad_gateway"), count: 1, end: .ended("left"), calls: 2,
            queries: 1, attempts: 1),
        Case(
            row: 31, answer: "503, Retry-After: 7200", action: wording("unavailable"), count: 1,
            fields: #"{"Retry-After":"7200"}"#, end: .ended("left"), calls: 2, queries: 1, attempts: 1),
        Case(
            row: 31, answer: "503, Retry-After a date", action: wording("unavailable"), count: 1,
            fields: #"{"Retry-After":"Mon, 23 Nov 2026 14:00:00 GMT"}"#, end: .ended("left"), calls: 2, queries: 1,
            attempts: 1),
        Case(row: 32, answer: "418", action: wording("teapot"), end: .ended("unexpected_status"), calls: 1),
        Case(row: 32, answer: "403 HTML", action: status(403, "<html>"), end: .hold(.endpointMisconfigured), calls: 2),
        Case(
            row: 32, answer: "403 HTML beside a success", action: status(403, "<html>"),
            end: .ended("unexpected_status"), calls: 1),
        Case(row: 33, answer: "no token", end: .ended("credential_not_found"), calls: 0, account: "stranger"),
        Case(
            row: 35, answer: "deadline over", end: .ended("deadline_exceeded"), calls: 0,
            more: #","deadline":"2026-11-23T11:00:00Z""#),
        Case(
            row: 35, answer: "503 always, alone for a day", action: wording("unavailable"),
            end: .ended("attempts_exhausted"), calls: 2, queries: 291, attempts: 4),
    ]
}
