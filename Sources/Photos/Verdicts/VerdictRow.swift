/// One row of the table: which answers it is about, and what they mean.
struct VerdictRow: Sendable {
    /// As docs/verdicts.md has it. It is printed, and nothing is decided by it: what a row means beyond its action is
    /// said in the row.
    let number: Int
    /// One of them must match.
    let patterns: [AnswerPattern]
    /// A, whether an earlier call may have had its effect, must be this; nil if the row does not ask.
    let ifAmbiguous: Bool?
    /// Whether the token was already refreshed must be this; nil if the row does not ask.
    let ifRefreshed: Bool?
    /// The row says A:=1.
    let marksAmbiguous: Bool
    /// Of what such a refusal speaks: whether it lifts a hold for a fault of the API.
    let subject: RefusalSubject
    /// The call may still be on its way, or be carried out: whoever answered gave up waiting, or nobody answered whole.
    let isUnheard: Bool
    let action: @Sendable (VerdictContext) -> VerdictAction

    init(
        _ number: Int, _ patterns: [AnswerPattern], ifAmbiguous: Bool? = nil, ifRefreshed: Bool? = nil,
        marksAmbiguous: Bool = false, about subject: RefusalSubject = .other, isUnheard: Bool = false,
        action: @escaping @Sendable (VerdictContext) -> VerdictAction
    ) {
        self.number = number
        self.patterns = patterns
        self.ifAmbiguous = ifAmbiguous
        self.ifRefreshed = ifRefreshed
        self.marksAmbiguous = marksAmbiguous
        self.subject = subject
        self.isUnheard = isUnheard
        self.action = action
    }

    init(
        _ number: Int, _ patterns: [AnswerPattern], ifAmbiguous: Bool? = nil, ifRefreshed: Bool? = nil,
        marksAmbiguous: Bool = false, about subject: RefusalSubject = .other, isUnheard: Bool = false,
        _ action: VerdictAction
    ) {
        self.init(
            number, patterns, ifAmbiguous: ifAmbiguous, ifRefreshed: ifRefreshed, marksAmbiguous: marksAmbiguous,
            about: subject, isUnheard: isUnheard
        ) { _ in action }
    }

    func matches(_ parsed: ParsedAnswer, _ context: VerdictContext) -> Bool {
        (ifAmbiguous ?? context.isAmbiguous) == context.isAmbiguous
            && (ifRefreshed ?? context.tokenWasRefreshed) == context.tokenWasRefreshed
            && patterns.contains { $0.matches(parsed) }
    }
}

/// Conditions that an answer must meet to match a row. A condition that is not set is met.
struct AnswerPattern: Sendable {
    enum Body: Sendable {
        case any
        /// Nothing, or a JSON object without `error`.
        case success
        case notJSONObject
        /// The service's own account of an error.
        case error
    }

    /// ErrorInfo.reason. A name may end in `*`.
    enum Reason: Sendable {
        case any
        case among([String])
        case absentOr([String])
    }

    var transport = ParsedAnswer.Transport.answered
    var http: ClosedRange<Int> = .min ... .max
    var body = Body.any
    /// One of them; none means any.
    var statuses: [RPCStatus] = []
    var reason = Reason.any
    /// One of them among `errors[].reason` of the older error model.
    var olderReasons: [String] = []
    /// The error is about a limit, whatever its HTTP status.
    var isOfLimit = false
    /// The limit that it names.
    var limit: APIError.Limit?
    /// One of them in the message, upper and lower case alike. The message is looked at only where there is no reason.
    var message: ErrorMessageText?
    /// RFC 6750's `error="…"` in WWW-Authenticate.
    var challenge: String?

    func matches(_ parsed: ParsedAnswer) -> Bool {
        parsed.transport == transport && http.contains(parsed.http) && matchesBody(parsed)
            && (statuses.isEmpty || parsed.status.map(statuses.contains) == true) && matchesReason(parsed.error)
            && matchesOlderReasons(parsed.error) && (!isOfLimit || parsed.error?.isOfLimit == true)
            && (limit == nil || parsed.error?.limit == limit)
            && (message.map { $0.occur(in: parsed.error) } ?? true)
            && (challenge.map { parsed.field("www-authenticate")?.contains("error=\"\($0)\"") == true } ?? true)
    }

    private func matchesBody(_ parsed: ParsedAnswer) -> Bool {
        switch (body, parsed.body) {
        case (.any, _), (.success, .empty), (.success, .object), (.error, .error): true
        case (.notJSONObject, _): !parsed.isJSONObject
        case (.success, _), (.error, _): false
        }
    }

    private func matchesOlderReasons(_ error: APIError?) -> Bool {
        olderReasons.isEmpty || error?.older.contains { $0.reason.map(olderReasons.contains) == true } == true
    }

    private func matchesReason(_ error: APIError?) -> Bool {
        switch reason {
        case .any: true
        case .among(let names): error?.reason.map { Self.isAmong($0, names) } == true
        case .absentOr(let names): error?.reason.map { Self.isAmong($0, names) } ?? true
        }
    }

    private static func isAmong(_ reason: String, _ names: [String]) -> Bool {
        names.contains { $0.hasSuffix("*") ? reason.hasPrefix($0.dropLast()) : reason == $0 }
    }
}
