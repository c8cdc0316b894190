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
