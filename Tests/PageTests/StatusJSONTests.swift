import Clocks
import JSON
import Monitoring
import Operations
import Testing

/// `/status`: names that dashboards and the page rely on.
@Suite struct StatusJSONTests {
    private static let now = Timestamp(milliseconds: 1_795_000_000_000)

    @Test func whatHappenedOfLate() throws {
        var status = Sample.consuming(at: Self.now)
        status.failures.append(
            .init(
                at: Self.now, jobID: nil, account: nil, outcome: "rejected", reason: "malformed_job", detail: nil,
                attempts: 0))
        status.history = .init(
            step: .seconds(10), until: Self.now, ended: [3, 0], failed: [1, 0],
            apiMedian: [.microseconds(180_260), nil],
            apiP99: [.seconds(2), nil])
        let json = status.json
        #expect(json["deadLetters"]?["share_token_invalid"] == .integer(41))
        let failures = try #require(json["failures"]?.elements)
        #expect(
            Set((failures[0].members ?? []).map { String(decoding: $0.name, as: UTF8.self) })
                == ["at", "jobId", "account", "outcome", "reason", "detail", "attempts"])
        #expect(
            Set((failures[1].members ?? []).map { String(decoding: $0.name, as: UTF8.self) })
                == ["at", "outcome", "reason", "attempts"])
        #expect(json["history"]?["stepSeconds"] == .integer(10))
        #expect(json["history"]?["until"]?.text == Self.now.rfc3339)
        #expect(json["history"]?["ended"] == .array([.integer(3), .integer(0)]))
        #expect(json["history"]?["failed"] == .array([.integer(1), .integer(0)]))
        #expect(json["history"]?["apiP50Ms"] == .array([.real(180.3), .null]))
        #expect(json["history"]?["apiP99Ms"] == .array([.real(2000), .null]))
    }

    @Test func whatRuns() throws {
        let json = Sample.consuming(at: Self.now).json
        #expect(json["oldestJobAgeSeconds"] == .real(4.23))
        #expect(json["queuesAt"]?.text == (Self.now - .seconds(4)).rfc3339)
        let queue = try #require(json["queues"]?.elements?.first)
        #expect(queue["name"]?.text == "leave-album.jobs")
        #expect(queue["messages"] == .integer(1204) && queue["consumers"] == .integer(1))
        #expect(json["loops"]?.elements?.first?["name"]?.text == "ledger")
        #expect(json["loops"]?.elements?.first?["answeredSecondsAgo"] == .real(1))
        #expect(json["settings"]?["reloadSucceeded"] == .bool(true))
        #expect(json["settings"]?["loadedAt"]?.text == (Self.now - .seconds(5000)).rfc3339)
        #expect(json["quota"]?["remaining"] == .integer(3377))
        #expect(json["quota"]?["doneAt"]?.text == (Self.now + .seconds(72_000)).rfc3339)
    }

    @Test func whatAHoldIsAndWhatItCost() throws {
        var status = Sample.holding(at: Self.now)
        status.holds[0].tried = 8
        status.holds[0].ended = ["a", "b"]
        status.holds.append(.init(cause: "results_full", since: Self.now, nextProbeAt: nil, detail: "full"))
        let holds = try #require(status.json["holds"]?.elements)
        #expect(holds[0]["tried"] == .integer(8))
        #expect(holds[0]["ended"] == .array([.text("a"), .text("b")]))
        #expect(holds[0]["redrive"]?.text == "leave-albumd dead redrive --job=a --job=b")
        for name in ["tried", "ended", "redrive", "nextProbeAt"] { #expect(holds[1][name] == nil, "\(name)") }
    }

    @Test func whatIsNotKnownIsLeftOut() {
        let json = DaemonStatus(
            version: "1", pid: 1, startedAt: Self.now, at: Self.now, state: "connecting", since: Self.now,
            quota: .init(day: "2026-11-24", spent: 5, limit: 0, resetsAt: Self.now)
        ).json
        for name in ["oldestJobAgeSeconds", "queues", "queuesAt", "history", "settings", "ledger"] {
            #expect(json[name] == nil, "\(name)")
        }
        #expect(json["quota"]?["remaining"] == nil && json["quota"]?["doneAt"] == nil)
        #expect(json["failures"] == .array([]) && json["loops"] == .array([]) && json["deadLetters"] == .object([]))
    }
}
