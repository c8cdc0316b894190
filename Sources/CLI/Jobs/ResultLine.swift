import JSON
import Operations
import Terminal

/// A followed result as a line.
enum ResultLine {
    static func text(_ result: FollowedResult, isJSON: Bool) -> String {
        if isJSON { return String(decoding: result.body, as: UTF8.self) + "\n" }
        let json = result.json
        var message = [
            json["completedAt"]?.text ?? "-", json["outcome"]?.text ?? "-", json["jobId"]?.text ?? "-",
            json["account"]?.text ?? "-",
        ]
        if let reason = json["reason"]?.text { message.append(reason) }
        if let effect = json["effect"]?.text, json["reason"] != nil { message.append("effect=\(effect)") }
        if result.generation > 0 { message.append("generation=\(result.generation)") }
        if result.isReplayed { message.append("replayed") }
        if let detail = json["detail"]?.text { message.append("(\(detail))") }
        return DisplayText.printable(message.joined(separator: "  ")) + "\n"
    }
}
