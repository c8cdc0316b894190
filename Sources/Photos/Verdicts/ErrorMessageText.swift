/// Wordings of the service, which it may change without notice: the last thing a row goes by.
enum ErrorMessageText: Sendable {
    /// One of these phrases somewhere in the message.
    case phrases([String])
    /// One of these as a whole word: "own" is not in "unknown".
    case anyWholeWord(Set<String>)

    func occur(in error: APIError?) -> Bool {
        guard let error, error.reason == nil else { return false }
        let message = error.message.lowercased()
        switch self {
        case .phrases(let phrases):
            return phrases.contains { message.contains($0.lowercased()) }
        case .anyWholeWord(let candidates):
            return message.split { !$0.isLetter }.contains { candidates.contains(String($0)) }
        }
    }
}
