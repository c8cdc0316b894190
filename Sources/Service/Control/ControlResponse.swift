package import JSON

/// What the daemon answers: one line of JSON, `{"answer": …}` or `{"refusal": {"code": "…", "message": "…"}}`.
package enum ControlResponse: Equatable, Sendable {
    case answer(JSONValue)
    /// `code` is one word for programs, `message` a sentence for people.
    case refusal(code: String, message: String)

    var line: [UInt8] {
        switch self {
        case .answer(let value): JSONValue.object([.init("answer", value)]).encoded()
        case .refusal(let code, let message):
            JSONValue.object([
                .init("refusal", .object([.init("code", .text(code)), .init("message", .text(message))]))
            ]).encoded()
        }
    }

    /// Nil if the line is no response.
    init?(line: [UInt8]) {
        guard let value = try? JSONValue.parse(line) else { return nil }
        if let answer = value["answer"] {
            self = .answer(answer)
        } else if let refusal = value["refusal"], let code = refusal["code"]?.text {
            self = .refusal(code: code, message: refusal["message"]?.text ?? code)
        } else {
            return nil
        }
    }
}
