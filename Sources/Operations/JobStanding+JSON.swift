import JSON
import Jobs
import Ledger
import Threads

extension JobStanding {
    /// `state` is `unknown`, `cancelled`, `waiting`, `calling`, `parked` or `ended`.
    var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("jobId", .string(jobID.utf8)), .init("generation", .integer(Int64(generation))),
        ]
        func add(_ name: String, _ value: JSONValue) { members.append(.init(name, value)) }
        switch state {
        case .unknown: add("state", .text("unknown"))
        case .cancelled: add("state", .text("cancelled"))
        case .waiting: add("state", .text("waiting"))
        case .calling: add("state", .text("calling"))
        case .parked(let until):
            add("state", .text("parked"))
            add("dueAt", .text(until.rfc3339))
        case .ended(let outcome, let reason, let body):
            add("state", .text("ended"))
            add("outcome", .text(outcome.rawValue))
            if let reason { add("reason", .text(reason.rawValue)) }
            let result = try? JSONValue.parse(body)
            for name in ["effect", "next", "completedAt"] {
                if let value = result?[name] { add(name, value) }
            }
        }
        return .object(members)
    }
}
