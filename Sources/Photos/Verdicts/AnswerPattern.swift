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
