import Clocks
package import JSON
import Ledger

extension DaemonStatus {
    /// As `/status` and the control socket give it.
    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("version", .text(version)), .init("pid", .integer(Int64(pid))),
            .init("startedAt", .text(startedAt.rfc3339)), .init("at", .text(at.rfc3339)),
            .init("state", .text(state)), .init("since", .text(since.rfc3339)),
            .init("inHand", .integer(Int64(inFlight))), .init("callsInFlight", .integer(Int64(callsInFlight))),
            .init("ended", .object(ended.map { .init($0.outcome, .integer(Int64($0.count))) })),
            .init("perMinute", .real(perMinute)), .init("perMinuteOfFifteen", .real(perMinuteOfFifteen)),
            .init("holds", .array(holds.map(\.json))), .init("links", .array(links.map(\.json))),
        ]
        if let problem { members.append(.init("trouble", .text(problem))) }
        if let quota { members.append(.init("quota", quota.json)) }
        if let ledger { members.append(.init("ledger", ledger.json)) }
        if let others = self.members { members.append(.init("members", .list(others))) }
        return .object(members + recentMembers + runningMembers)
    }
}

extension DaemonStatus.Hold {
    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("cause", .text(cause)), .init("since", .text(since.rfc3339)), .init("detail", .text(detail)),
        ]
        if let nextProbeAt { members.append(.init("nextProbeAt", .text(nextProbeAt.rfc3339))) }
        if let tried { members.append(.init("tried", .integer(Int64(tried)))) }
        if let redrive {
            members.append(.init("ended", .array(ended.map { .text($0) })))
            members.append(.init("redrive", .text(redrive)))
        }
        return .object(members)
    }
}

extension DaemonStatus.Link {
    fileprivate var json: JSONValue {
        .object([
            .init("name", .text(name)), .init("endpoint", .text(endpoint)), .init("connected", .bool(isConnected)),
            .init("blocked", .bool(isBlocked)), .init("reconnects", .integer(Int64(reconnects))),
            .init("unconfirmed", .integer(Int64(unconfirmed))),
            .init("staleSettlements", .integer(Int64(staleSettlements))),
            .init("abandonedDeliveries", .integer(Int64(abandonedDeliveries))),
        ])
    }
}

extension DaemonStatus.Quota {
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("day", .text(day)), .init("spent", .integer(Int64(spent))), .init("limit", .integer(Int64(limit))),
            .init("resetsAt", .text(resetsAt.rfc3339)),
        ]
        if let remaining { members.append(.init("remaining", .integer(Int64(remaining)))) }
        if let doneAt { members.append(.init("doneAt", .text(doneAt.rfc3339))) }
        return .object(members)
    }
}

extension DaemonStatus.Ledger {
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("kind", .text(kind)), .init("path", .text(place)), .init("entries", .integer(Int64(entries))),
            .init("open", .integer(Int64(open))), .init("ambiguous", .integer(Int64(ambiguous))),
            .init("calling", .integer(Int64(calling))),
            .init("unpublishedResults", .integer(Int64(unpublished))), .init("overdue", .integer(Int64(overdue))),
            .init("bytes", .integer(Int64(bytes))),
        ]
        if let member {
            members += [
                .init("instance", .text(member.name)), .init("epoch", .integer(Int64(member.epoch))),
            ]
        }
        if !differingSettings.isEmpty {
            members.append(.init("differingSettings", .array(differingSettings.map { .text($0) })))
        }
        if let diskFreeBytes { members.append(.init("diskFreeBytes", .integer(Int64(diskFreeBytes)))) }
        if let lastBackupAt { members.append(.init("lastBackupAt", .text(lastBackupAt.rfc3339))) }
        if isEstimated { members.append(.init("estimated", .bool(true))) }
        return .object(members)
    }
}
