/// Wordings of the service, which it may change without notice: the last thing a row goes by.
enum MessageWords: Sendable {
    /// One of these phrases somewhere in the message.
    case phrases([String])
    /// One of these as a whole word: "own" is not in "unknown".
    case words(Set<String>)

    func occur(in error: APIError?) -> Bool {
        guard let error, error.reason == nil else { return false }
        let message = error.message.lowercased()
        switch self {
        case .phrases(let phrases):
            return phrases.contains { message.contains($0.lowercased()) }
        case .words(let words):
            return message.split { !$0.isLetter }.contains { words.contains(String($0)) }
        }
    }
}
