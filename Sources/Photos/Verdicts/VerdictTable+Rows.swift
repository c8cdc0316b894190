import Jobs

extension VerdictTable {
    /// The first match wins, so the order matters: 11 comes before 9, for a wrong path answers 404 as well; 14 and 15
    /// before 12 and 13, for they are told by their reasons; 20 after 24, for old fronts report rate limits as 403.
    static let rows: [VerdictRow] = [
        // Transport
        VerdictRow(1, [AnswerPattern(transport: .notSent)], .retryNetwork),
        VerdictRow(36, [AnswerPattern(transport: .tooLate)], .withdraw),
        VerdictRow(2, [AnswerPattern(transport: .tlsTrustFailure)], .hold(.tlsTrust)),
        lostAnswer,

        // Success, and what only looks like it
        VerdictRow(
            4, [AnswerPattern(http: 200...200, body: .success), AnswerPattern(http: 204...204, body: .success)], .left),
        VerdictRow(
            5, [AnswerPattern(http: 200...200), AnswerPattern(http: 204...204)], marksAmbiguous: true, isUnheard: true,
            action: malformed),
        VerdictRow(6, [AnswerPattern(http: 300...399)], wrongEndpoint),
        VerdictRow(6, [AnswerPattern(http: .min...299)], marksAmbiguous: true, isUnheard: true, action: malformed),

        // The request
        VerdictRow(
            7,
            [
                AnswerPattern(
                    http: 400...400, statuses: [.invalidArgument],
                    message: .phrases(["Invalid JSON payload", "Unknown name"]))
            ], .deadUnlessSystemic(.clientBug, .clientFaulty, accounts: 2)),
        VerdictRow(
            8,
            [
                AnswerPattern(
                    http: 400...400, statuses: [.invalidArgument, .failedPrecondition],
                    message: .anyWholeWord(["own", "owns", "owned", "owner", "owners"]))
            ], about: .userOrAlbum, .queryAlbum),
        VerdictRow(
            11,
            [
                AnswerPattern(http: 404...404, body: .notJSONObject),
                AnswerPattern(http: 404...404, message: .phrases(["Method not found"])),
                AnswerPattern(http: 404...404, statuses: [.unimplemented]),
                AnswerPattern(http: 405...405),
                AnswerPattern(http: 501...501),
            ], wrongEndpoint),
        VerdictRow(9, unknownToken, ifAmbiguous: false, about: .shareToken, .queryAlbum),
        VerdictRow(10, unknownToken, ifAmbiguous: true, about: .shareToken, .queryAlbum),

        // The caller
        VerdictRow(
            14,
            [
                AnswerPattern(http: 401...401, reason: .among(blockedAccountReasons)),
                AnswerPattern(http: 403...403, reason: .among(blockedAccountReasons)),
            ], about: .userOrAlbum, .dead(.accountBlocked)),
        VerdictRow(
            15,
            [
                AnswerPattern(http: 401...401, reason: .among(faultyClientReasons)),
                AnswerPattern(http: 403...403, reason: .among(faultyClientReasons)),
            ], .deadUnlessSystemic(.authRejected, .clientFaulty, accounts: 2)),
        VerdictRow(
            12,
            [
                AnswerPattern(
                    http: 401...401, statuses: [.unauthenticated], reason: .absentOr(["ACCESS_TOKEN_EXPIRED"])),
                // RFC 6750, section 3.1: the token is expired, revoked or malformed, and another may do.
                AnswerPattern(http: 401...401, challenge: "invalid_token"),
            ], ifRefreshed: false, .retryOnFreshToken),
        VerdictRow(
            13, [AnswerPattern(http: 401...401, message: .phrases(["session is not defined"]))], ifRefreshed: true,
            .tokenRefused(.scopeMissing)),
        refusedToken,
        VerdictRow(
            16,
            [
                AnswerPattern(
                    http: 403...403, statuses: [.permissionDenied], reason: .among(["ACCESS_TOKEN_SCOPE_INSUFFICIENT"])),
                AnswerPattern(
                    http: 403...403, statuses: [.permissionDenied],
                    message: .phrases(["insufficient authentication scopes"])),
            ],
            action: {
                $0.tokenLacksScope ? .dead(.scopeMissing) : wrongScope
            }),
        VerdictRow(
            17,
            [
                AnswerPattern(http: 403...403, statuses: [.permissionDenied], reason: .among(["SERVICE_DISABLED"])),
                AnswerPattern(http: 403...403, olderReasons: ["accessNotConfigured"]),
                AnswerPattern(
                    http: 403...403, statuses: [.permissionDenied],
                    message: .phrases(["has not been used in project", "or it is disabled"])),
            ], .deadUnlessSystemic(.permissionDenied, .apiDisabled, accounts: 2)),
        VerdictRow(
            18, [AnswerPattern(http: 403...403, reason: .among(blockedProjectReasons))],
            .deadUnlessSystemic(.permissionDenied, .projectBlocked, accounts: 2)),
        VerdictRow(
            19,
            [
                AnswerPattern(
                    http: 403...403, statuses: [.permissionDenied],
                    message: .phrases(["Google Photos is disabled for the user"]))
            ], about: .userOrAlbum, .dead(.photosDisabledForUser)),

        // Limits
        VerdictRow(21, limits(.day), .endDay),
        VerdictRow(22, limits(.user), .delayAccount),
        VerdictRow(23, limits(.concurrency), .delayAccountLonger),
        VerdictRow(24, limits(nil), .throttle),
        VerdictRow(20, [AnswerPattern(http: 403...403, statuses: [.permissionDenied])], permissionDenied),

        // The server
        VerdictRow(25, [AnswerPattern(http: 408...408)], marksAmbiguous: true, isUnheard: true, retry),
        // 25a: the server says that it did not look at the request, RFC 9110, section 15.5.20, and RFC 8470, section
        // 5.2.
        VerdictRow(25, [AnswerPattern(http: 421...421), AnswerPattern(http: 425...425)], retry),
        VerdictRow(
            26, [AnswerPattern(http: 409...409, statuses: [.aborted])], .retryQueryingAtLast(atLeast: .seconds(2))),
        VerdictRow(27, [AnswerPattern(http: 409...409, body: .error)], about: .userOrAlbum, .queryAlbum),
        VerdictRow(
            28, [AnswerPattern(http: 499...499), AnswerPattern(http: 504...504)], marksAmbiguous: true, isUnheard: true,
            retry),
        VerdictRow(
            29, [AnswerPattern(http: 500...500, statuses: [.internalError, .unknown])], marksAmbiguous: true, retry),
        VerdictRow(
            30, [AnswerPattern(http: 500...500, statuses: [.dataLoss])], marksAmbiguous: true, .dead(.serverDataLoss)),
        // A gateway that got no answer from the server behind it.
        VerdictRow(31, [AnswerPattern(http: 502...502)], marksAmbiguous: true, isUnheard: true, retry),
        VerdictRow(31, [AnswerPattern(http: 500 ... .max)], marksAmbiguous: true, retry),

        // Everything else that refuses
        VerdictRow(
            32, [AnswerPattern(http: 407...407), AnswerPattern(http: 403...403, body: .notJSONObject)],
            wrongEndpoint),
        VerdictRow(32, [AnswerPattern(http: 400...499)], wrongEndpoint),
    ]

    /// Also the row of an album query before a call: of such a job an earlier call may have gone unheard.
    static let lostAnswer = VerdictRow(
        3, [AnswerPattern(transport: .ambiguous)], marksAmbiguous: true, isUnheard: true, retry)
    /// Also the row of a token that is refused before it could be refreshed, where there is no other one.
    static let refusedToken = VerdictRow(
        13, [AnswerPattern(http: 401...401)], ifRefreshed: true, .tokenRefused(.authRejected))

    /// The least that the first own wait after a fault of the server's may be.
    static let retry = VerdictAction.retry(atLeast: .seconds(1))
    private static let permissionDenied = VerdictAction.deadUnlessSystemic(
        .permissionDenied, .apiRetired, accounts: 5)
    private static let wrongScope = VerdictAction.deadUnlessSystemic(.permissionDenied, .apiRetired, accounts: 2)
    private static let wrongEndpoint = VerdictAction.deadUnlessSystemic(
        .unexpectedStatus, .endpointMisconfigured, accounts: 2)

    private static let unknownToken = [
        AnswerPattern(
            http: 400...400, body: .error, statuses: [.invalidArgument, .notFound, .failedPrecondition]),
        AnswerPattern(
            http: 404...404, body: .error, statuses: [.invalidArgument, .notFound, .failedPrecondition]),
    ]

    /// Old fronts report limits as 403, which must then say that it is one.
    private static func limits(_ named: APIError.Limit?) -> [AnswerPattern] {
        [AnswerPattern(http: 429...429, limit: named), AnswerPattern(http: 403...403, isOfLimit: true, limit: named)]
    }

    private static let blockedAccountReasons = [
        "ACCOUNT_STATE_INVALID", "USER_BLOCKED_BY_ADMIN", "ORG_RESTRICTION_VIOLATION", "ACCOUNT_TYPE_UNSUPPORTED",
    ]
    private static let faultyClientReasons = [
        "CREDENTIALS_MISSING", "ACCESS_TOKEN_TYPE_UNSUPPORTED", "OVERLOADED_CREDENTIALS", "JWT_TOKEN_INVALID",
    ]
    private static let blockedProjectReasons = [
        "BILLING_DISABLED", "CONSUMER_*", "GCP_SUSPENDED", "SERVICE_NOT_VISIBLE", "SECURITY_POLICY_VIOLATED",
        "LOCATION_*", "API_KEY_*", "USER_PROJECT_DENIED",
    ]

    /// Twice may be an accident on the way; the third time the job is not the one to find out.
    private static let malformedAnswersToGiveUp = 3

    @Sendable private static func malformed(_ context: VerdictContext) -> VerdictAction {
        context.malformedAnswers + 1 >= malformedAnswersToGiveUp ? .dead(.responseMalformed) : .malformedAnswer
    }
}
