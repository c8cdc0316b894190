import Clocks
package import JSON
import Jobs
import Telemetry

extension DaemonStatus {
    /// `deadLetters`, `failures`, `history`.
    package var recentMembers: [JSONValue.Member] {
        var members: [JSONValue.Member] = [
            .init("deadLetters", .object(deadLetters.map { .init($0.reason, .integer(Int64($0.count))) })),
            .init("failures", .array(failures.map(\.json))),
        ]
        if let history { members.append(.init("history", history.json)) }
        return members
    }

    /// `oldestJobAgeSeconds`, `queues`, `queuesAt`, `loops`, `settings`.
    package var runningMembers: [JSONValue.Member] {
        var members: [JSONValue.Member] = [.init("loops", .array(loops.map(\.json)))]
        if let oldestJobAge { members.append(.init("oldestJobAgeSeconds", .real(oldestJobAge.inSeconds))) }
        if let queues { members.append(.init("queues", .array(queues.map(\.json)))) }
        if let queuesAt { members.append(.init("queuesAt", .text(queuesAt.rfc3339))) }
        if let settings { members.append(.init("settings", settings.json)) }
        return members
    }
}

extension DaemonStatus.Failure {
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("at", .text(at.rfc3339)), .init("outcome", .text(outcome)), .init("reason", .text(reason)),
            .init("attempts", .integer(Int64(attempts))),
        ]
        if let jobID { members.append(.init("jobId", .text(jobID))) }
        if let account { members.append(.init("account", .text(account))) }
        if let detail { members.append(.init("detail", .text(detail))) }
        return .object(members)
    }
}

extension DaemonStatus.History {
    fileprivate var json: JSONValue {
        .object([
            .init("stepSeconds", .integer(step.milliseconds / 1000)), .init("until", .text(until.rfc3339)),
            .init("ended", .array(ended.map { .integer(Int64($0)) })),
            .init("failed", .array(failed.map { .integer(Int64($0)) })),
            .init("apiP50Ms", .array(apiMedian.map(Self.milliseconds))),
            .init("apiP99Ms", .array(apiP99.map(Self.milliseconds))),
        ])
    }

    /// To a tenth: the buckets know no more, and the list stays short.
    private static func milliseconds(_ duration: Duration?) -> JSONValue {
        duration.map { .real(Double(($0.nanoseconds + 50_000) / 100_000) / 10) } ?? .null
    }
}

extension DaemonStatus.Queue {
    package var json: JSONValue {
        var members: [JSONValue.Member] = [.init("name", .text(name))]
        if let messages { members.append(.init("messages", .integer(Int64(messages)))) }
        if let consumers { members.append(.init("consumers", .integer(Int64(consumers)))) }
        return .object(members)
    }
}

extension DaemonStatus.Loop {
    fileprivate var json: JSONValue {
        .object([.init("name", .text(name)), .init("answeredSecondsAgo", .real(answeredAgo.inSeconds))])
    }
}

extension DaemonStatus.LoadedSettings {
    fileprivate var json: JSONValue {
        .object([.init("loadedAt", .text(loadedAt.rfc3339)), .init("reloadSucceeded", .bool(reloadSucceeded))])
    }
}
