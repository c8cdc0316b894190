import JSON
import Messages
import Operations
import Terminal

/// A followed result as a line.
enum ResultLine {
    /// `events`: as a CloudEvent, of these settings where the message is none.
    static func text(_ result: FollowedResult, isJSON: Bool, events: ResultEvents? = nil) -> String {
        if let events { return String(decoding: result.event(else: events), as: UTF8.self) + "\n" }
        if isJSON { return String(decoding: result.body, as: UTF8.self) + "\n" }
        let json = result.json
        var columns = [
            json["completedAt"]?.text ?? "-", json["outcome"]?.text ?? "-", json["jobId"]?.text ?? "-",
            json["account"]?.text ?? "-",
        ]
        if let reason = json["reason"]?.text { columns.append(reason) }
        if let effect = json["effect"]?.text, json["reason"] != nil { columns.append("effect=\(effect)") }
        if result.generation > 0 { columns.append("generation=\(result.generation)") }
        if result.isReplayed { columns.append("replayed") }
        if let detail = json["detail"]?.text { columns.append("(\(detail))") }
        return DisplayText.printable(columns.joined(separator: "  ")) + "\n"
    }
}
