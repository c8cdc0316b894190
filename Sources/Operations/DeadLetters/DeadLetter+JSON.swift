import Clocks
package import JSON
import Jobs
package import Messages

extension DeadLetter {
    /// Everything but the share token.
    package var json: JSONValue {
        var members: [JSONValue.Member] = []
        if let jobID { members.append(.init("jobId", .string(jobID.utf8))) }
        if let event {
            var echo: [JSONValue.Member] = [.init("id", .string(event.id)), .init("source", .string(event.source))]
            if let type = event.type { echo.append(.init("type", .string(type))) }
            if let subject = event.subject { echo.append(.init("subject", .string(subject))) }
            if let time = event.time { echo.append(.init("time", .text(time))) }
            members.append(.init("event", .object(echo)))
        }
        if let account { members.append(.init("account", .string(account.utf8))) }
        members.append(.init("reason", .text(reason)))
        if let detail { members.append(.init("detail", .text(detail))) }
        members.append(.init("generation", .integer(Int64(generation))))
        members.append(.init("attempts", .integer(Int64(attempts))))
        members.append(.init("ambiguous", .bool(isAmbiguous)))
        if let httpStatus { members.append(.init("httpStatus", .integer(Int64(httpStatus)))) }
        if let apiStatus { members.append(.init("apiStatus", .text(apiStatus))) }
        if let deadline { members.append(.init("deadline", .text(deadline.rfc3339))) }
        if let deadAt { members.append(.init("deadAt", .text(deadAt.rfc3339))) }
        return .object(members)
    }
}
