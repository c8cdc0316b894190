import JSON
import Jobs
import Ledger
import Threads

extension LedgerStatistics {
    func json(path: String) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("path", .text(path)), .init("entries", .integer(Int64(entries))),
            .init("open", .integer(Int64(open))), .init("ambiguous", .integer(Int64(ambiguous))),
            .init("unpublishedResults", .integer(Int64(unpublished))),
            .init("unpublishedLetters", .integer(Int64(unpublishedLetters))),
            .init("overdue", .integer(Int64(overdue))), .init("bytes", .integer(Int64(bytes))),
            .init("diskFreeBytes", .integer(Int64(diskFreeBytes))),
        ]
        if let createdAt { members.append(.init("createdAt", .text(createdAt.rfc3339))) }
        if let lastBackupAt { members.append(.init("lastBackupAt", .text(lastBackupAt.rfc3339))) }
        return .object(members)
    }
}

extension JobStory {
    /// `state` is `waiting`, `calling`, `parked` or `finished`.
    var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("jobId", .string(jobID.utf8)), .init("account", .string(account.utf8)),
            .init("tokenSha256", .text(tokenHash)), .init("generation", .integer(Int64(generation))),
            .init("attempts", .integer(Int64(attempts))), .init("ambiguous", .bool(isAmbiguous)),
            .init("firstSeenAt", .text(firstSeen.rfc3339)), .init("changedAt", .text(changedAt.rfc3339)),
        ]
        if let firstCallAt { members.append(.init("firstCallAt", .text(firstCallAt.rfc3339))) }
        switch state {
        case .open(let open, let isCalling):
            members.append(.init("state", .text(isCalling ? "calling" : open.due == nil ? "waiting" : "parked")))
            if let due = open.due {
                members.append(.init("dueAt", .text(due.rfc3339)))
                members.append(.init("copyPublished", .bool(open.copyIsPublished)))
            }
        case .finished(let result, let letter):
            members.append(.init("state", .text("finished")))
            members.append(.init("resultPublished", .bool(result)))
            members.append(.init("letterPublished", .bool(letter)))
        }
        members.append(.init("results", .array(results.map(\.json))))
        members.append(.init("events", .array(events.map(\.json))))
        members.append(.init("holds", .array(holds.map(\.json))))
        return .object(members)
    }
}

extension StoredResult {
    fileprivate var json: JSONValue {
        .object([
            .init("messageId", .text(messageID)), .init("completedAt", .text(completedAt.rfc3339)),
            .init("body", (try? JSONValue.parse(body)) ?? .null),
        ])
    }
}

extension JobEvent {
    fileprivate var json: JSONValue {
        .object([
            .init("at", .text(at.rfc3339)), .init("generation", .integer(Int64(generation))),
            .init("kind", .text(kind)), .init("detail", .text(detail)),
        ])
    }
}

extension HoldRecord {
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("cause", .text(cause.rawValue)), .init("since", .text(since.rfc3339)),
            .init("detail", .text(detail)),
        ]
        if let until { members.append(.init("until", .text(until.rfc3339))) }
        return .object(members)
    }
}

extension ResultCursor {
    init?(_ json: JSONValue) {
        guard let time = json["completedMs"]?.integer, let id = json["jobId"]?.utf8,
            let generation = json["generation"]?.integer
        else { return nil }
        self.init(
            completedAt: Timestamp(milliseconds: time), jobID: JobID(utf8: id), generation: Int(clamping: generation))
    }

    var json: JSONValue {
        .object([
            .init("completedMs", .integer(completedAt.milliseconds)), .init("jobId", .string(jobID.utf8)),
            .init("generation", .integer(Int64(generation))),
        ])
    }
}
