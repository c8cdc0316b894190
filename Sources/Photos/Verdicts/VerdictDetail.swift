import JSON
import Secrets

/// What a person reads of an answer: ours in full, the service's words without what must stay secret.
enum VerdictDetail {
    static func text(of parsed: ParsedAnswer, _ context: VerdictContext) -> String {
        // Not before somebody else's words are told: a success has none.
        lazy var hidden = hidden([context.shareToken, context.bearer])
        return DetailText.scrubbed(
            description(of: parsed) { text in
                if text.isEmpty { return "" }
                let clean = String(decoding: Redaction.replacing(hidden, in: Array(text.utf8)), as: UTF8.self)
                return Redaction.hidingAccount(context.account, in: clean)
            })
    }

    private static func description(of parsed: ParsedAnswer, clean: (String) -> String) -> String {
        switch parsed.transport {
        case .notSent: return "the request was not sent: \(clean(parsed.transportDetail))"
        case .tooLate: return "the request was not sent in time: \(clean(parsed.transportDetail))"
        case .tlsTrustFailure: return "the server's certificate is not trusted: \(clean(parsed.transportDetail))"
        case .ambiguous:
            return "the request may have arrived, and no complete answer came: "
                + clean(parsed.transportDetail)
        case .answered: break
        }
        switch parsed.body {
        case .empty: return "HTTP \(parsed.http)"
        case .object: return "HTTP \(parsed.http) with a JSON object"
        case .foreignError: return "HTTP \(parsed.http) with a JSON error that is not the API's"
        case .unreadableObject: return "HTTP \(parsed.http) with a JSON object that cannot be read for sure"
        case .incomplete: return "HTTP \(parsed.http) with a body that is cut or cannot be decoded"
        case .other:
            let type = parsed.field("content-type").map { ", \(clean($0))" } ?? ""
            return "HTTP \(parsed.http) with a body that is no JSON object (\(parsed.bodySize) bytes\(type))"
        case .error(let error):
            var parts = ["HTTP \(parsed.http)"]
            if let status = error.status { parts.append(status.rawValue) }
            if let reason = error.reason ?? error.older.lazy.compactMap(\.reason).first { parts.append(clean(reason)) }
            if let limit = error.quotaLimit { parts.append(clean(limit)) }
            let message = clean(error.message)
            return parts.joined(separator: " ") + (message.isEmpty ? "" : ": \(message)")
        }
    }

    /// The secrets as they are, and as a path would hold them.
    private static func hidden(_ secrets: [Secret]) -> [[UInt8]] {
        secrets.flatMap { secret in
            let bytes = secret.withUnsafeBytes { Array($0) }
            return [bytes, PercentEncoding.encode(bytes)]
        }
    }
}
