import Jobs
import Photos

extension VerdictExample {
    static let unauthenticated = Wording.error(
        401, "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
            + "authentication credential.")

    static let callers: [VerdictExample] = [
        VerdictExample(title: "401", answer: Wording.answer(401, unauthenticated), row: 12, action: .retryOnFreshToken),
        VerdictExample(
            title: "expired",
            answer: Wording.answer(
                401, Wording.error(401, "UNAUTHENTICATED", "Expired", reason: "ACCESS_TOKEN_EXPIRED")),
            row: 12, action: .retryOnFreshToken),
        VerdictExample(
            title: "bare 16",
            answer: Wording.answer(401, #"{"code":16,"message":"Authentication session is not defined."}"#),
            row: 12, action: .retryOnFreshToken),
        VerdictExample(
            title: "challenge without JSON",
            answer: Wording.answer(
                401, "no",
                [("WWW-Authenticate", #"Bearer realm="https://accounts.google.com/", error="invalid_token""#)]),
            row: 12, action: .retryOnFreshToken),
        VerdictExample(
            title: "again on a fresh token", answer: Wording.answer(401, unauthenticated),
            context: Wording.context(refreshed: true), row: 13, action: .tokenRefused(.authRejected)),
        VerdictExample(
            title: "bare 16 on a fresh token",
            answer: Wording.answer(401, #"{"code":16,"message":"Authentication session is not defined."}"#),
            context: Wording.context(refreshed: true), row: 13, action: .tokenRefused(.scopeMissing)),
        VerdictExample(
            title: "401 of somebody else", answer: Wording.answer(401, "<html>"), row: 32,
            action: unexpected),
        VerdictExample(
            title: "blocked user",
            answer: Wording.answer(401, Wording.error(401, "UNAUTHENTICATED", "x", reason: "USER_BLOCKED_BY_ADMIN")),
            row: 14, action: .dead(.accountBlocked)),
        VerdictExample(
            title: "account state",
            answer: Wording.answer(403, Wording.error(403, "PERMISSION_DENIED", "x", reason: "ACCOUNT_STATE_INVALID")),
            row: 14, action: .dead(.accountBlocked)),
        VerdictExample(
            title: "credentials missing",
            answer: Wording.answer(401, Wording.error(401, "UNAUTHENTICATED", "x", reason: "CREDENTIALS_MISSING")),
            row: 15, action: .deadUnlessSystemic(.authRejected, .clientFaulty, accounts: 2)),
        VerdictExample(
            title: "scope",
            answer: Wording.answer(
                403, Wording.error(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.")),
            row: 16, action: .deadUnlessSystemic(.permissionDenied, .apiRetired, accounts: 2)),
        VerdictExample(
            title: "scope by reason",
            answer: Wording.answer(
                403, Wording.error(403, "PERMISSION_DENIED", "x", reason: "ACCESS_TOKEN_SCOPE_INSUFFICIENT")),
            row: 16, action: .deadUnlessSystemic(.permissionDenied, .apiRetired, accounts: 2)),
        VerdictExample(
            title: "scope of a token that is known to lack it",
            answer: Wording.answer(
                403, Wording.error(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.")),
            context: Wording.context(lacksScope: true), row: 16, action: .dead(.scopeMissing)),
        VerdictExample(
            title: "API off",
            answer: Wording.answer(
                403,
                Wording.error(
                    403, "PERMISSION_DENIED",
                    "Photos Library API has not been used in project 1 before or it is disabled. Enable it")),
            row: 17, action: .deadUnlessSystemic(.permissionDenied, .apiDisabled, accounts: 2)),
        VerdictExample(
            title: "API off by reason",
            answer: Wording.answer(403, Wording.error(403, "PERMISSION_DENIED", "x", reason: "SERVICE_DISABLED")),
            row: 17, action: .deadUnlessSystemic(.permissionDenied, .apiDisabled, accounts: 2)),
        VerdictExample(
            title: "API off, older words", answer: Wording.answer(403, Wording.legacy(403, "accessNotConfigured")),
            row: 17, action: .deadUnlessSystemic(.permissionDenied, .apiDisabled, accounts: 2)),
        VerdictExample(
            title: "billing",
            answer: Wording.answer(403, Wording.error(403, "PERMISSION_DENIED", "x", reason: "BILLING_DISABLED")),
            row: 18, action: .deadUnlessSystemic(.permissionDenied, .projectBlocked, accounts: 2)),
        VerdictExample(
            title: "a kind of reasons",
            answer: Wording.answer(403, Wording.error(403, "PERMISSION_DENIED", "x", reason: "CONSUMER_SUSPENDED")),
            row: 18, action: .deadUnlessSystemic(.permissionDenied, .projectBlocked, accounts: 2)),
        VerdictExample(
            title: "photos disabled",
            answer: Wording.answer(
                403, Wording.error(403, "PERMISSION_DENIED", "Google Photos is disabled for the user.")),
            row: 19, action: .dead(.photosDisabledForUser)),
        VerdictExample(
            title: "permission",
            answer: Wording.answer(403, Wording.error(403, "PERMISSION_DENIED", "The caller does not have permission")),
            row: 20, action: .deadUnlessSystemic(.permissionDenied, .apiRetired, accounts: 5)),
        VerdictExample(
            title: "permission, ambiguous and assuming: never already_left",
            answer: Wording.answer(403, Wording.error(403, "PERMISSION_DENIED", "The caller does not have permission")),
            context: Wording.context(ambiguous: true, assumesLeft: true), row: 20,
            action: .deadUnlessSystemic(.permissionDenied, .apiRetired, accounts: 5)),
        VerdictExample(
            title: "the reason goes before the message",
            answer: Wording.answer(
                403,
                Wording.error(
                    403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.", reason: "NEW_REASON")),
            row: 20, action: .deadUnlessSystemic(.permissionDenied, .apiRetired, accounts: 5)),
    ]

    static func exhausted(_ http: Int, _ message: String, _ limit: String? = nil) -> Answer {
        Wording.answer(
            http,
            Wording.error(
                http, "RESOURCE_EXHAUSTED", message, reason: limit.map { _ in "RATE_LIMIT_EXCEEDED" }, quotaLimit: limit
            ))
    }

    static let daily =
        "Quota exceeded for quota metric 'All requests' and limit 'All requests per day' of service "
        + "'photoslibrary.googleapis.com' for consumer 'project_number:1'."

    static let quotas: [VerdictExample] = [
        VerdictExample(
            title: "day", answer: exhausted(429, daily, "ApiCallsPerProjectPerDay"), row: 21, action: .endDay),
        VerdictExample(title: "day by its words", answer: exhausted(429, daily), row: 21, action: .endDay),
        VerdictExample(
            title: "day, 403", answer: exhausted(403, daily, "ApiCallsPerProjectPerDay"), row: 21, action: .endDay),
        VerdictExample(
            title: "day, older words", answer: Wording.answer(403, Wording.legacy(403, "dailyLimitExceeded")), row: 21,
            action: .endDay),
        VerdictExample(
            title: "minute; the words of the day do not count beside a reason",
            answer: exhausted(429, daily, "WritesPerMinutePerUser"), row: 22, action: .delayAccount),
        VerdictExample(
            title: "minute by its words",
            answer: exhausted(429, "Quota exceeded for 'Write requests per minute per user'"), row: 22,
            action: .delayAccount),
        VerdictExample(
            title: "concurrent",
            answer: exhausted(429, "Quota exceeded for quota 'concurrent write request' of service 'p'"), row: 23,
            action: .delayAccountLonger),
        VerdictExample(
            title: "another limit", answer: exhausted(429, daily, "ReadsPerMinute"), row: 24, action: .throttle),
        VerdictExample(title: "bare 429", answer: Wording.answer(429, "slow down"), row: 24, action: .throttle),
        VerdictExample(
            title: "403 rateLimitExceeded", answer: Wording.answer(403, Wording.legacy(403, "rateLimitExceeded")),
            row: 24, action: .throttle),
        VerdictExample(
            title: "403 quotaExceeded", answer: Wording.answer(403, Wording.legacy(403, "quotaExceeded")), row: 24,
            action: .throttle),
        VerdictExample(
            title: "403, a limit that is not known here",
            answer: Wording.answer(403, Wording.legacy(403, "cometLimitExceeded")), row: 24, action: .throttle),
        VerdictExample(
            title: "403, a limit without a reason",
            answer: Wording.answer(403, #"{"error":{"code":403,"errors":[{"domain":"usageLimits"}],"message":"m"}}"#),
            row: 24, action: .throttle),
        VerdictExample(
            title: "403, a limit whose status is another",
            answer: Wording.answer(
                403,
                #"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"m","#
                    + #""errors":[{"domain":"global","reason":"x"},{"domain":"usageLimits","reason":"quotaExceeded"}]}}"#
            ),
            row: 24, action: .throttle),
        VerdictExample(
            title: "403, a limit in an array",
            answer: Wording.answer(403, "[\(Wording.legacy(403, "quotaExceeded"))]"), row: 24, action: .throttle),
        VerdictExample(
            title: "403, a limit without the wrapper",
            answer: Wording.answer(
                403, #"{"errors":[{"domain":"usageLimits","reason":"quotaExceeded"}],"code":403,"message":"m"}"#),
            row: 24, action: .throttle),
        VerdictExample(
            title: "403, another domain's reason of that name",
            answer: Wording.answer(
                403,
                #"{"error":{"code":403,"message":"m","errors":[{"domain":"global","reason":"quotaExceeded"}]}}"#),
            row: 20, action: .deadUnlessSystemic(.permissionDenied, .apiRetired, accounts: 5)),
        VerdictExample(
            title: "403, a day that is not registered",
            answer: Wording.answer(403, Wording.legacy(403, "dailyLimitExceededUnreg")), row: 21, action: .endDay),
        VerdictExample(
            title: "403, a day by its words",
            answer: Wording.answer(403, Wording.legacy(403, "quotaExceeded", daily)), row: 21, action: .endDay),
        VerdictExample(
            title: "403 userRateLimitExceeded",
            answer: Wording.answer(403, Wording.legacy(403, "userRateLimitExceeded")), row: 22, action: .delayAccount),
        VerdictExample(
            title: "403, concurrency",
            answer: Wording.answer(403, Wording.legacy(403, "concurrentLimitExceeded")), row: 23,
            action: .delayAccountLonger),
        VerdictExample(
            title: "429, one user's day ends nobody else's",
            answer: exhausted(429, daily, "WritesPerDayPerUser"), row: 22, action: .delayAccount),
        VerdictExample(
            title: "the API is off, which is no limit",
            answer: Wording.answer(403, "[\(Wording.legacy(403, "accessNotConfigured"))]"), row: 17,
            action: .deadUnlessSystemic(.permissionDenied, .apiDisabled, accounts: 2)),
        VerdictExample(
            title: "403 by reason",
            answer: Wording.answer(403, Wording.error(403, "PERMISSION_DENIED", "x", reason: "RATE_LIMIT_EXCEEDED")),
            row: 24, action: .throttle),
    ]

    static let servers: [VerdictExample] = [
        VerdictExample(
            title: "408", answer: Wording.answer(408), row: 25, action: retry, marksAmbiguous: true, isUnheard: true),
        VerdictExample(title: "421", answer: Wording.answer(421, "<html>"), row: 25, action: retry),
        VerdictExample(title: "425", answer: Wording.answer(425), row: 25, action: retry),
        VerdictExample(
            title: "aborted", answer: Wording.answer(409, Wording.error(409, "ABORTED", "The operation was aborted.")),
            row: 26, action: .retryQueryingAtLast(atLeast: .seconds(2))),
        VerdictExample(
            title: "exists", answer: Wording.answer(409, Wording.error(409, "ALREADY_EXISTS", "x")), row: 27,
            action: .queryAlbum),
        VerdictExample(
            title: "499", answer: Wording.answer(499), row: 28, action: retry, marksAmbiguous: true, isUnheard: true),
        VerdictExample(
            title: "504", answer: Wording.answer(504, "<html>"), row: 28, action: retry, marksAmbiguous: true,
            isUnheard: true),
        VerdictExample(
            title: "internal",
            answer: Wording.answer(500, Wording.error(500, "INTERNAL", "Internal error encountered.")),
            row: 29, action: retry, marksAmbiguous: true),
        VerdictExample(
            title: "unknown", answer: Wording.answer(500, Wording.error(500, "UNKNOWN", "x")), row: 29, action: retry,
            marksAmbiguous: true),
        VerdictExample(
            title: "data loss", answer: Wording.answer(500, Wording.error(500, "DATA_LOSS", "x")), row: 30,
            action: .dead(.serverDataLoss), marksAmbiguous: true),
        VerdictExample(
            title: "HTML 500", answer: Wording.answer(500, "<html>"), row: 31, action: retry, marksAmbiguous: true),
        VerdictExample(
            title: "502", answer: Wording.answer(502, "<html>"), row: 31, action: retry, marksAmbiguous: true,
            isUnheard: true),
        VerdictExample(
            title: "503", answer: Wording.answer(503, Wording.error(503, "UNAVAILABLE", "The service is unavailable.")),
            row: 31, action: retry, marksAmbiguous: true),
        VerdictExample(title: "599", answer: Wording.answer(599), row: 31, action: retry, marksAmbiguous: true),
        VerdictExample(title: "999", answer: Wording.answer(999), row: 31, action: retry, marksAmbiguous: true),
    ]

    static let unexpected = VerdictAction.deadUnlessSystemic(
        .unexpectedStatus, .endpointMisconfigured, accounts: 2)

    static let others: [VerdictExample] = [
        VerdictExample(title: "407", answer: Wording.answer(407), row: 32, action: unexpected),
        VerdictExample(
            title: "403 HTML", answer: Wording.answer(403, "<html>Blocked</html>"), row: 32,
            action: unexpected),
        VerdictExample(title: "403 empty", answer: Wording.answer(403), row: 32, action: unexpected),
        VerdictExample(
            title: "403, a gateway's JSON", answer: Wording.answer(403, #"{"message":"no"}"#), row: 32,
            action: unexpected),
        VerdictExample(
            title: "404, a gateway's JSON", answer: Wording.answer(404, #"{"error":"no route"}"#), row: 32,
            action: unexpected),
        VerdictExample(title: "400 HTML", answer: Wording.answer(400, "<html>"), row: 32, action: unexpected),
        VerdictExample(
            title: "400 out of range", answer: Wording.answer(400, Wording.error(400, "OUT_OF_RANGE", "x")), row: 32,
            action: unexpected),
        VerdictExample(title: "409 HTML", answer: Wording.answer(409, "<html>"), row: 32, action: unexpected),
        VerdictExample(title: "413", answer: Wording.answer(413), row: 32, action: unexpected),
        VerdictExample(title: "418", answer: Wording.answer(418, "{}"), row: 32, action: unexpected),
        VerdictExample(
            title: "an array of two errors",
            answer: Wording.answer(404, "[\(Wording.error(404, "NOT_FOUND", "m")),{}]"), row: 11,
            action: unexpected),
        VerdictExample(
            title: "a 403 that cannot be decoded", answer: .answered(status: 403, fields: [], body: [], isWhole: false),
            row: 32, action: unexpected),
        VerdictExample(
            title: "deep 404", answer: Wording.answer(400, String(repeating: "[", count: 60_000)), row: 32,
            action: unexpected),
    ]

    static let all: [VerdictExample] =
        transport + successes + malformed + requestFaults + tokenFaults + callers + quotas + servers + others
}
