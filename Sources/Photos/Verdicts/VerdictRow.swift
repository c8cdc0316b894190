/// One row of the table: which answers it is about, and what they mean.
struct VerdictRow: Sendable {
    let number: Int
    /// One of them must match.
    let patterns: [AnswerPattern]
    /// A, whether an earlier call may have had its effect, must be this; nil if the row does not ask.
    let ifAmbiguous: Bool?
    /// Whether the token was already refreshed must be this; nil if the row does not ask.
    let ifRefreshed: Bool?
    /// The row says A:=1.
    let marksAmbiguous: Bool
    let action: @Sendable (VerdictContext) -> VerdictAction

    init(
        _ number: Int, _ patterns: [AnswerPattern], ifAmbiguous: Bool? = nil, ifRefreshed: Bool? = nil,
        marksAmbiguous: Bool = false, action: @escaping @Sendable (VerdictContext) -> VerdictAction
    ) {
        self.number = number
        self.patterns = patterns
        self.ifAmbiguous = ifAmbiguous
        self.ifRefreshed = ifRefreshed
        self.marksAmbiguous = marksAmbiguous
        self.action = action
    }

    init(_ number: Int, _ patterns: [AnswerPattern], marksAmbiguous: Bool = false, _ action: VerdictAction) {
        self.init(number, patterns, marksAmbiguous: marksAmbiguous) { _ in action }
    }

    func matches(_ parsed: ParsedAnswer, _ context: VerdictContext) -> Bool {
        (ifAmbiguous ?? context.isAmbiguous) == context.isAmbiguous
            && (ifRefreshed ?? context.tokenWasRefreshed) == context.tokenWasRefreshed
            && patterns.contains { $0.matches(parsed) }
    }
}
