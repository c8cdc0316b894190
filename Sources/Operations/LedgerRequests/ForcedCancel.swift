package import Clocks
package import JSON
package import Jobs

/// What became of a job that an operator ended for good: the answer to `job.cancel`.
///
/// | `state` | members besides `jobId` |
/// |---|---|
/// | `ended` | `outcome`, `effect`?, `reason`?, `published`: the result is with the broker |
/// | `had_ended` | `outcome`, `effect`?, `reason`? |
/// | `remembered` | |
/// | `leased` | `until` |
package enum ForcedCancel: ControlValue {
    /// It has its result now.
    case ended(JobID, JobEnding, isPublished: Bool)
    /// It had its result before.
    case hadEnded(JobID, JobEnding)
    /// It ends without a call when it comes.
    case remembered(JobID)
    /// A call for it may be on its way until then, and its own end comes first. Nothing was written.
    case leased(JobID, until: Timestamp)

    private enum Word: String {
        case ended
        case hadEnded = "had_ended"
        case remembered
        case leased
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        let id = try members.jobID()
        let word: Word = try members.word("state")
        switch word {
        case .ended:
            self = .ended(id, try JobEnding(members), isPublished: try members.bool("published"))
        case .hadEnded: self = .hadEnded(id, try JobEnding(members))
        case .remembered: self = .remembered(id)
        case .leased: self = .leased(id, until: try members.time("until"))
        }
    }

    package var json: JSONValue {
        switch self {
        case .ended(let id, let ending, let isPublished):
            Self.json(id, .ended, ending, isPublished: isPublished)
        case .hadEnded(let id, let ending): Self.json(id, .hadEnded, ending)
        case .remembered(let id): Self.json(id, .remembered)
        case .leased(let id, let until): Self.json(id, .leased, until: until)
        }
    }

    private static func json(
        _ id: JobID, _ word: Word, _ ending: JobEnding? = nil, isPublished: Bool? = nil, until: Timestamp? = nil
    ) -> JSONValue {
        .object(of: [
            "jobId": .id(id), "state": .word(word), "outcome": ending.map { .word($0.outcome) },
            "effect": ending?.effect.map(JSONValue.word), "reason": ending?.reason.map(JSONValue.word),
            "published": isPublished.map(JSONValue.bool), "until": until.map(JSONValue.time),
        ])
    }
}
