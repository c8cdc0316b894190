public import JSON
public import Jobs

/// Where one job of a publisher's list stands, and what settles it.
public struct Reconciliation: Sendable {
    /// What an account team has to know of it.
    public enum Standing: String, CaseIterable, Sendable {
        case left
        case failed
        /// It failed, and nobody knows whether the user is out.
        case unknown
        case waiting
        case calling
        case cancelled
        case neverArrived = "never_arrived"
    }

    public let jobID: JobID
    public let standing: Standing
    /// Where it waits and until when, or why it failed.
    public let detail: String
    /// The one command that settles it; nil if nothing is to be done.
    public let command: String?

    /// `answer`: one entry of the ledger's answer to `reconcile`. `waiting`: jobs that wait on the broker, of which the
    /// ledger cannot know; nil if the broker was not asked.
    public init?(_ answer: JSONValue, waitingOnBroker waiting: Int?) {
        guard let bytes = answer["jobId"]?.utf8, let id = JobID(checking: bytes), let state = answer["state"]?.text
        else { return nil }
        jobID = id
        switch state {
        case "ended": (standing, detail, command) = Self.ended(answer, id)
        case "parked":
            (standing, detail, command) = (.waiting, "parked until \(answer["dueAt"]?.text ?? "-")", nil)
        case "waiting": (standing, detail, command) = (.waiting, "in a queue, or in the worker's hands", nil)
        case "calling": (standing, detail, command) = (.calling, "a call was begun and has not ended", "job \(id)")
        case "cancelled":
            (standing, detail, command) = (.cancelled, "it ends without a call when it comes", nil)
        default:
            standing = .neverArrived
            detail =
                switch waiting {
                case 0?: "the worker has not seen it, and nothing waits on the broker"
                case let waiting?: "the worker has not seen it; \(waiting) jobs wait on the broker"
                case nil: "the worker has not seen it"
                }
            // While jobs wait it may be one of them, and to send it again is harmless: its id is the same.
            command = "submit --id \(id) …"
        }
    }

    private static func ended(_ answer: JSONValue, _ id: JobID) -> (Standing, String, String?) {
        let when = answer["completedAt"]?.text ?? "-"
        if answer["effect"]?.text == "left" { return (.left, "\(answer["outcome"]?.text ?? "-") at \(when)", nil) }
        let reason = answer["reason"]?.text ?? "-"
        let isUnknown = answer["effect"]?.text == "unknown"
        let command: String? =
            switch answer["next"]?.text {
            case "operator": "dead redrive --job \(id)"
            case "fix_request": "submit … (a corrected job with an id of its own)"
            case "reauthorize_user": "dead redrive --job \(id) (once the user has agreed again)"
            default: isUnknown ? "dead redrive --job \(id)" : nil
            }
        return (isUnknown ? .unknown : .failed, "\(reason) at \(when)", command)
    }

    public var json: JSONValue {
        .object(
            [
                .init("jobId", .string(jobID.utf8)), .init("standing", .text(standing.rawValue)),
                .init("detail", .text(detail)),
            ] + (command.map { [.init("command", .text($0))] } ?? []))
    }
}
