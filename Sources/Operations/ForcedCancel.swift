public import JSON
public import Jobs
public import Ledger

/// What became of a job that an operator ended for good: the answer to `job.cancel`.
///
/// | `state` | members besides `jobId` |
/// |---|---|
/// | `ended` | `outcome`, `effect`, `reason`?, `published`: the result is with the broker |
/// | `had_ended` | `outcome`, `effect`, `reason`? |
/// | `remembered` | |
public enum ForcedCancel: Equatable, Sendable {
    /// It has its result now.
    case ended(JobID, StoredResult, isPublished: Bool)
    /// It had its result before.
    case hadEnded(JobID, StoredResult)
    /// It ends without a call when it comes.
    case remembered(JobID)

    public var json: JSONValue {
        switch self {
        case .ended(let id, let result, let isPublished):
            Self.json(id, "ended", result, [.init("published", .bool(isPublished))])
        case .hadEnded(let id, let result): Self.json(id, "had_ended", result)
        case .remembered(let id): Self.json(id, "remembered", nil)
        }
    }

    private static func json(
        _ id: JobID, _ state: String, _ result: StoredResult?, _ more: [JSONValue.Member] = []
    ) -> JSONValue {
        var members: [JSONValue.Member] = [.init("jobId", .string(id.utf8)), .init("state", .text(state))]
        if let result {
            members.append(.init("outcome", .text(result.outcome.rawValue)))
            if let effect = (try? JobResult.decode(result.body))?.effect {
                members.append(.init("effect", .text(effect.rawValue)))
            }
            if let reason = result.reason { members.append(.init("reason", .text(reason.rawValue))) }
        }
        return .object(members + more)
    }
}

extension JobID {
    /// The member `jobId` of a request's arguments.
    public init(of arguments: JSONValue) throws(DeskFault) {
        guard let bytes = arguments["jobId"]?.utf8, let id = JobID(checking: bytes) else {
            throw .invalid("a jobId is 1 to 128 of A-Z a-z 0-9 . _ : / -")
        }
        self = id
    }
}
