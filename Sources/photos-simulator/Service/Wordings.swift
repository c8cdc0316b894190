/// The answers of the service in its own words, by name.
enum Wordings {
    static func named(_ name: String) -> HTTPAnswer? { all[name] }

    static var names: [String] { all.keys.sorted() }

    private static func error(
        _ code: Int, _ status: String, _ message: String, _ details: String? = nil,
        fields: [(String, String)] = []
    ) -> HTTPAnswer {
        let tail = details.map { ",\"details\":[\($0)]" } ?? ""
        let body = "{\"error\":{\"code\":\(code),\"message\":\"\(message)\",\"status\":\"\(status)\"\(tail)}}\n"
        return HTTPAnswer(status: code, fields: fields, body: Array(body.utf8))
    }

    /// The error model before google.rpc.Status.
    private static func older(_ code: Int, _ domain: String, _ reason: String, _ message: String) -> HTTPAnswer {
        let body =
            "{\"error\":{\"errors\":[{\"domain\":\"\(domain)\",\"reason\":\"\(reason)\",\"message\":\"\(message)\"}],"
            + "\"code\":\(code),\"message\":\"\(message)\"}}\n"
        return HTTPAnswer(status: code, body: Array(body.utf8))
    }

    /// As streaming fronts send an error.
    private static func inArray(_ answer: HTTPAnswer) -> HTTPAnswer {
        var wrapped = answer
        wrapped.body = [UInt8(ascii: "[")] + answer.body + [UInt8(ascii: "]")]
        return wrapped
    }

    private static func info(_ reason: String, _ metadata: String = "") -> String {
        "{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"\(reason)\","
            + "\"domain\":\"googleapis.com\",\"metadata\":{\(metadata)}}"
    }

    private static func html(_ status: Int, _ text: String) -> HTTPAnswer {
        var answer = HTTPAnswer(status: status, body: Array("<!DOCTYPE html><html><p>\(text)</p></html>".utf8))
        answer.contentType = "text/html; charset=UTF-8"
        return answer
    }

    private static let quotaHead = "Quota exceeded for quota metric 'All requests' and limit"
    private static let quotaTail = "of service 'photoslibrary.googleapis.com' for consumer 'project_number:1'."

    private static let all: [String: HTTPAnswer] = [
        "invalid_token": error(
            401, "UNAUTHENTICATED",
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
                + "valid authentication credential.",
            fields: [
                (
                    "WWW-Authenticate",
                    "Bearer realm=\\\"https://accounts.google.com/\\\", error=\\\"invalid_token\\\""
                        .replacing("\\\"", with: "\"")
                )
            ]),
        "no_session": HTTPAnswer(
            status: 401, body: Array("{\"code\":16,\"message\":\"Authentication session is not defined.\"}".utf8)),
        "scope": error(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes."),
        "permission": error(403, "PERMISSION_DENIED", "The caller does not have permission"),
        "photos_disabled": error(403, "PERMISSION_DENIED", "Google Photos is disabled for the user"),
        "api_disabled": error(
            403, "PERMISSION_DENIED",
            "Photos Library API has not been used in project 1 before or it is disabled. Enable it, then retry.",
            info("SERVICE_DISABLED", "\"service\":\"photoslibrary.googleapis.com\"")),
        "billing": error(403, "PERMISSION_DENIED", "This API method requires billing.", info("BILLING_DISABLED")),
        "account_blocked": error(403, "PERMISSION_DENIED", "User is blocked.", info("USER_BLOCKED_BY_ADMIN")),
        "bad_client": error(401, "UNAUTHENTICATED", "Request is missing a credential.", info("CREDENTIALS_MISSING")),
        "quota_day": error(
            429, "RESOURCE_EXHAUSTED", "\(quotaHead) 'All requests per day' \(quotaTail)",
            info("RATE_LIMIT_EXCEEDED", "\"quota_limit\":\"ApiCallsPerProjectPerDay\",\"quota_limit_value\":\"10000\"")
        ),
        "quota_minute": error(
            429, "RESOURCE_EXHAUSTED", "\(quotaHead) 'Write requests per minute per user' \(quotaTail)",
            info("RATE_LIMIT_EXCEEDED", "\"quota_limit\":\"WritesPerMinutePerUser\",\"quota_limit_value\":\"30\"")),
        "concurrent_write": error(
            429, "RESOURCE_EXHAUSTED",
            "Quota exceeded for quota 'concurrent write request' of service 'photoslibrary.googleapis.com'"),
        "rate": error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
        "quota_exceeded": older(403, "usageLimits", "quotaExceeded", "Quota exceeded."),
        "user_rate": older(403, "usageLimits", "userRateLimitExceeded", "User Rate Limit Exceeded"),
        "quota_exceeded_array": inArray(older(403, "usageLimits", "quotaExceeded", "Quota exceeded.")),
        "misdirected": html(421, "The request was directed at another server."),
        "too_early": HTTPAnswer(status: 425, body: []),
        "client_bug": error(
            400, "INVALID_ARGUMENT", "Invalid JSON payload received. Unknown name 'x': Cannot find field."),
        "owner": error(400, "INVALID_ARGUMENT", "The user is the owner of the album and can not leave it."),
        "invalid_share_token": error(400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
        "not_found": error(404, "NOT_FOUND", "Requested entity was not found."),
        "not_found_array": inArray(error(404, "NOT_FOUND", "Requested entity was not found.")),
        "gone": error(410, "NOT_FOUND", "Gone."),
        "no_permission_400": error(400, "INVALID_ARGUMENT", "No permission to add media items to this album."),
        "failed_precondition": error(400, "FAILED_PRECONDITION", "Precondition check failed."),
        "method_not_found": error(404, "NOT_FOUND", "Method not found."),
        "wrong_path": html(404, "The requested URL was not found on this server. That's all we know."),
        "unimplemented": error(501, "UNIMPLEMENTED", "Operation is not implemented, or supported, or enabled."),
        "aborted": error(409, "ABORTED", "The operation was aborted."),
        "already_exists": error(409, "ALREADY_EXISTS", "The entity that a client tried to create already exists."),
        "request_timeout": html(408, "Your client has taken too long to issue its request."),
        "cancelled": error(499, "CANCELLED", "The operation was cancelled."),
        "deadline": error(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
        "internal": error(500, "INTERNAL", "Internal error encountered."),
        "data_loss": error(500, "DATA_LOSS", "Unrecoverable data loss or corruption."),
        "bad_gateway": html(502, "The server encountered a temporary error and could not complete your request."),
        "unavailable": error(503, "UNAVAILABLE", "The service is currently unavailable."),
        "unavailable_html": html(503, "The service you requested is not available at this time."),
        "teapot": error(418, "UNKNOWN", "I'm a teapot"),
        "redirect": HTTPAnswer(status: 302, fields: [("Location", "http://127.0.0.1:9/elsewhere")], body: []),
        "html_200": html(200, "Sign in"),
        "not_an_object": HTTPAnswer(status: 200, body: Array("[]".utf8)),
        // A compressed body that was cut behind its header: it decodes to nothing.
        "cut_gzip": HTTPAnswer(
            status: 200, fields: [("Content-Encoding", "gzip")], body: [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
        "joined_as_text": HTTPAnswer(status: 200, body: Array(#"{"id":"1","shareInfo":{"isJoined":"true"}}"#.utf8)),
        "another_album": HTTPAnswer(status: 200, body: Array(#"{"id":"1","shareInfo":{"shareToken":"another"}}"#.utf8)),
        "empty": HTTPAnswer(status: 200, body: []),
        "no_content": HTTPAnswer(status: 204, body: []),
    ]
}
