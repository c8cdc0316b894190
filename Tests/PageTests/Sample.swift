import Clocks
import Foundation
import Ledger
import Monitoring
import Operations

/// A daemon's status for the page to show.
enum Sample {
    static func now() -> Timestamp { SystemTimeSource().wall() }

    /// Of a daemon in the middle of a good day. `number` tells one answer from the next.
    static func consuming(_ number: Int = 0, at start: Timestamp) -> DaemonStatus {
        let now = start + .seconds(3 * number)
        var status = DaemonStatus(
            version: "1.2.3", pid: 4711, startedAt: now - .seconds(93_600), at: now, state: "consuming",
            since: now - .seconds(8040), inFlight: 32, callsInFlight: 12,
            ended: [.init(outcome: "left", count: 81_230), .init(outcome: "failed", count: 93)], perMinute: 118.2,
            perMinuteOfFifteen: 111.9,
            quota: .init(
                day: "2026-11-24", spent: 6123, limit: 9500, resetsAt: now + .seconds(54_000),
                doneAt: now + .seconds(72_000)),
            links: [
                .init(name: "consume", endpoint: "rabbit:5671", isConnected: true),
                .init(name: "publish", endpoint: "rabbit:5671", isConnected: true, reconnects: 2, unconfirmed: 17),
            ],
            ledger: .init(
                kind: "sqlite", place: "/ledger", entries: 481_230, open: 44, ambiguous: 2, unpublished: 0, overdue: 0,
                bytes: 187 << 20, diskFreeBytes: 78 << 30, lastBackupAt: nil))
        status.oldestJobAge = .milliseconds(4230)
        status.queuesAt = now - .seconds(4)
        status.queues = [
            ("jobs", 1204, 1), ("bulk", 25_310, 1), ("retry.5s", 7, 0), ("retry.30s", 13, 0), ("dead", 97, 0),
        ]
        .map { .init(name: "leave-album.\($0.0)", messages: $0.1, consumers: $0.2) }
        status.deadLetters = [
            .init(reason: "share_token_invalid", count: 41), .init(reason: "grant_revoked", count: 2),
        ]
        status.failures = [failure("offboard-8812", at: now - .seconds(5))]
        status.history = .init(
            step: .seconds(10), until: now - .seconds(4), ended: (0..<180).map { 10 + $0 % 10 },
            failed: (0..<180).map { $0 % 60 == 0 ? 1 : 0 }, apiMedian: (0..<180).map { _ in .milliseconds(180) },
            apiP99: (0..<180).map { $0 == 90 ? nil : .milliseconds(700) })
        status.loops = [.init(name: "ledger", answeredAgo: .seconds(1))]
        status.settings = .init(loadedAt: now - .seconds(5000), reloadSucceeded: true)
        return status
    }

    static func holding(at now: Timestamp) -> DaemonStatus {
        var status = consuming(at: now)
        status.state = "hold:quota_day"
        status.since = now - .seconds(1230)
        status.holds = [
            .init(
                cause: "quota_day", since: now - .seconds(1230), nextProbeAt: now + .seconds(54_431),
                detail: "the day's calls are spent")
        ]
        status.settings?.reloadSucceeded = false
        status.links[1].isBlocked = true
        status.loops = [
            .init(name: "publish", answeredAgo: .seconds(14)), .init(name: "ledger", answeredAgo: .seconds(40)),
        ]
        return status
    }

    static func failure(_ id: String?, at time: Timestamp, detail: String = "the token is unknown")
        -> DaemonStatus.Failure
    {
        .init(
            at: time, jobID: id, account: "anna@example.com", outcome: "failed", reason: "share_token_invalid",
            detail: detail, attempts: 1)
    }

    static func member(
        _ name: String, _ epoch: Int, at now: Timestamp, _ state: ClusterMember.State = .working,
        isPaused: Bool = false,
        report: DaemonStatus.MemberReport? = nil
    ) -> DaemonStatus.Member {
        .init(
            name: name, epoch: epoch, version: "1.2.\(epoch)", state: state, startedAt: now - .seconds(7200),
            seenAt: now - .seconds(2), lag: .milliseconds(2_300), settings: "0a1b2c3d", report: report,
            isPaused: isPaused)
    }
}
