import Clocks
import JSON
import Jobs
import Ledger
import Secrets

/// As it stands in a file: an object. Times are milliseconds since 1970, identities and bodies Base64, since they are
/// bytes. It has no share token, only its hash.
extension SpooledOutcome {
    var json: JSONValue {
        var members: [JSONValue.Member] = [.init("fence", .integer(fence)), .init("first", .bool(isFirstCall))]
        switch word {
        case .withdrawal(let id, let kind, let day):
            members += [
                .init("kind", .text("withdrawn")), .init("job", Self.bytes(id.utf8)),
                .init("query", .bool(kind == .albumQuery)), .init("day", .text(day)),
            ]
        case .record(let record, let isUnheard):
            members += [.init("unheard", .bool(isUnheard)), .init("arrival", Self.json(record.arrival))]
            members += Self.members(record)
        }
        return .object(members)
    }

    private static func members(_ record: Record) -> [JSONValue.Member] {
        func progress(_ attempts: Int, _ isAmbiguous: Bool) -> [JSONValue.Member] {
            [.init("attempts", .integer(Int64(attempts))), .init("ambiguous", .bool(isAmbiguous))]
        }
        switch record {
        case .finished(_, let result, let attempts, let isAmbiguous, let needsDeadLetter, let isAssumed):
            return [
                .init("kind", .text("finished")), .init("result", json(result)),
                .init("deadLetter", .bool(needsDeadLetter)), .init("assumed", .bool(isAssumed)),
            ] + progress(attempts, isAmbiguous)
        case .parked(_, let attempts, let isAmbiguous, let malformedAnswers, let due):
            return [
                .init("kind", .text("parked")), .init("malformed", .integer(Int64(malformedAnswers))),
                .init("due", .integer(due.milliseconds)),
            ] + progress(attempts, isAmbiguous)
        case .callEnded(_, let attempts, let isAmbiguous, let malformedAnswers):
            return [
                .init("kind", .text("ended")), .init("malformed", .integer(Int64(malformedAnswers))),
            ] + progress(attempts, isAmbiguous)
        case .postponed(_, let due):
            return [.init("kind", .text("postponed")), .init("due", .integer(due.milliseconds))]
        case .steppedAside(_, let due):
            return [.init("kind", .text("aside")), .init("due", .integer(due.milliseconds))]
        }
    }

    private static func json(_ arrival: Arrival) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("job", bytes(arrival.jobID.utf8)), .init("account", bytes(arrival.account.utf8)),
            .init("token", bytes(arrival.tokenHash.bytes)), .init("generation", .integer(Int64(arrival.generation))),
            .init("copy", .integer(Int64(arrival.copy))), .init("attempts", .integer(Int64(arrival.attempts))),
            .init("ambiguous", .bool(arrival.isAmbiguous)), .init("seen", .integer(arrival.firstSeen.milliseconds)),
        ]
        if let event = arrival.event { members.append(.init("event", bytes(event.encoded()))) }
        return .object(members)
    }

    private static func json(_ result: StoredResult) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("id", .text(result.messageID)), .init("outcome", .text(result.outcome.rawValue)),
            .init("body", bytes(result.body)), .init("completed", .integer(result.completedAt.milliseconds)),
        ]
        let texts = [
            ("reason", result.reason?.rawValue), ("correlation", result.correlationID),
            ("traceparent", result.traceparent), ("tracestate", result.tracestate),
        ]
        for (name, text) in texts {
            if let text { members.append(.init(name, .text(text))) }
        }
        return .object(members)
    }

    private static func bytes(_ bytes: [UInt8]) -> JSONValue { .text(Base64.encoded(bytes)) }

    // MARK: Reading

    /// Nil if it is none.
    init?(json: JSONValue) {
        guard let fence = json["fence"]?.integer, let isFirstCall = json["first"]?.bool, let kind = json["kind"]?.text
        else { return nil }
        if kind == "withdrawn" {
            guard let id = Self.bytes(json["job"]), let isQuery = json["query"]?.bool, let day = json["day"]?.text
            else { return nil }
            self.init(
                .withdrawal(JobID(utf8: id), isQuery ? .albumQuery : .call, day: day), fence: fence,
                isFirstCall: isFirstCall)
            return
        }
        guard let isUnheard = json["unheard"]?.bool, let arrival = json["arrival"].flatMap(Self.arrival),
            let record = Self.record(kind, arrival, json)
        else { return nil }
        self.init(.record(record, isUnheard: isUnheard), fence: fence, isFirstCall: isFirstCall)
    }

    private static func record(_ kind: String, _ arrival: Arrival, _ json: JSONValue) -> Record? {
        let due = json["due"]?.integer.map { Timestamp(milliseconds: $0) }
        let malformed = json["malformed"]?.integer.map { Int($0) }
        if kind == "postponed" { return due.map { .postponed(arrival, due: $0) } }
        if kind == "aside" { return due.map { .steppedAside(arrival, due: $0) } }
        guard let attempts = json["attempts"]?.integer.map({ Int($0) }), let isAmbiguous = json["ambiguous"]?.bool
        else { return nil }
        if kind == "ended" {
            return malformed.map {
                .callEnded(arrival, attempts: attempts, isAmbiguous: isAmbiguous, malformedAnswers: $0)
            }
        }
        if kind == "parked" {
            guard let malformed, let due else { return nil }
            return .parked(
                arrival, attempts: attempts, isAmbiguous: isAmbiguous, malformedAnswers: malformed, due: due)
        }
        guard kind == "finished", let result = json["result"].flatMap(result),
            let needsDeadLetter = json["deadLetter"]?.bool, let isAssumed = json["assumed"]?.bool
        else { return nil }
        return .finished(
            arrival, result, attempts: attempts, isAmbiguous: isAmbiguous, needsDeadLetter: needsDeadLetter,
            isAssumed: isAssumed)
    }

    private static func arrival(_ json: JSONValue) -> Arrival? {
        guard let id = bytes(json["job"]), let account = bytes(json["account"]),
            let token = bytes(json["token"]).flatMap({ SHA256Digest(bytes: $0) }),
            let generation = json["generation"]?.integer, let copy = json["copy"]?.integer,
            let attempts = json["attempts"]?.integer, let isAmbiguous = json["ambiguous"]?.bool,
            let firstSeen = json["seen"]?.integer
        else { return nil }
        return Arrival(
            jobID: JobID(utf8: id), account: AccountID(utf8: account), tokenHash: token, generation: Int(generation),
            copy: Int(copy), attempts: Int(attempts), isAmbiguous: isAmbiguous,
            firstSeen: Timestamp(milliseconds: firstSeen),
            event: bytes(json["event"]).flatMap(EventContext.init(decoding:)))
    }

    private static func result(_ json: JSONValue) -> StoredResult? {
        guard let id = json["id"]?.text, let outcome = json["outcome"]?.text.flatMap({ Outcome(rawValue: $0) }),
            let body = bytes(json["body"]), let completed = json["completed"]?.integer
        else { return nil }
        return StoredResult(
            messageID: id, outcome: outcome,
            // One of a newer program is left out, as in every ledger.
            reason: json["reason"]?.text.flatMap { Reason(rawValue: $0) }, body: body,
            correlationID: json["correlation"]?.text, traceparent: json["traceparent"]?.text,
            tracestate: json["tracestate"]?.text, completedAt: Timestamp(milliseconds: completed))
    }

    private static func bytes(_ json: JSONValue?) -> [UInt8]? { json?.text.flatMap { Base64.decoded($0) } }
}
