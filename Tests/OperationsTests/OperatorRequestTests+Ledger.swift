import JSON
import Ledger
import Testing

@testable import Operations

/// Answers about the ledger, and their forms.
extension OperatorRequestTests {
    static let statistics: [(LedgerStatisticsRequest.Answer, String)] = [
        (
            .init(
                kind: .sqlite, place: "/l",
                statistics: LedgerStatistics(
                    entries: 9, open: 8, ambiguous: 7, calling: 1, unpublished: 6, overdue: 5, bytes: 4,
                    diskFreeBytes: 3,
                    unpublishedDeadLetters: 2, createdAt: time, lastBackupAt: later)),
            #"{"ambiguous":7,"bytes":4,"calling":1,"createdAt":"2026-11-23T19:50:00.123Z","diskFreeBytes":3,"entries":9,"#
                + #""kind":"sqlite","lastBackupAt":"2026-11-23T20:50:00.000Z","open":8,"overdue":5,"path":"/l","#
                + #""unpublishedLetters":2,"unpublishedResults":6}"#
        ),
        (
            .init(
                kind: .postgresql, place: "db:5432, leave_album",
                statistics: LedgerStatistics(
                    entries: 9, open: 8, ambiguous: 7, calling: 1, unpublished: 6, overdue: 5, bytes: 4,
                    diskFreeBytes: nil,
                    unpublishedDeadLetters: 2, isEstimated: true)),
            #"{"ambiguous":7,"bytes":4,"calling":1,"entries":9,"estimated":true,"kind":"postgresql","open":8,"overdue":5,"#
                + #""path":"db:5432, leave_album","#
                + #""unpublishedLetters":2,"unpublishedResults":6}"#
        ),
    ]

    /// As a daemon answers that does not know `calling`.
    @Test func statisticsOfAnOlderDaemonAreRead() throws {
        let text =
            #"{"ambiguous":7,"bytes":4,"entries":9,"kind":"sqlite","open":8,"overdue":5,"path":"/l","#
            + #""unpublishedLetters":2,"unpublishedResults":6}"#
        let answer = try LedgerStatisticsRequest.Answer(json: JSONValue.parse(Array(text.utf8)))
        #expect(answer.statistics.ambiguous == 7 && answer.statistics.calling == nil)
        #expect(String(decoding: answer.json.encoded(), as: UTF8.self) == text)
    }

    static let members: [(LedgerMembersRequest.Answer, String)] = [
        (.init(members: []), #"{"members":[]}"#),
        (
            .init(members: [
                .init(
                    name: "a", epoch: 7, version: "1.2.3", state: .working, startedAt: time, seenAt: later,
                    lag: .milliseconds(1_250), settings: "0a1b2c3d", schema: 4...5,
                    report: .init(
                        worker: "consuming", inFlight: 3, callsInFlight: 2, perMinute: 1.5, holds: ["quota_day"])),
                .init(
                    name: "b", epoch: 6, version: "1.2.3", state: .dead, startedAt: time, seenAt: time,
                    isPaused: true),
            ]),
            #"{"members":[{"epoch":7,"lagMs":1250,"name":"a","report":{"callsInFlight":2,"holds":["quota_day"],"inHand":3,"#
                + #""perMinute":1.5,"worker":"consuming"},"schema":5,"schemaFrom":4,"#
                + #""seenAt":"2026-11-23T20:50:00.000Z","settings":"0a1b2c3d","#
                + #""startedAt":"2026-11-23T19:50:00.123Z","state":"working","version":"1.2.3"},"#
                + #"{"epoch":6,"lagMs":0,"name":"b","paused":true,"seenAt":"2026-11-23T19:50:00.123Z","settings":"","#
                + #""startedAt":"2026-11-23T19:50:00.123Z","state":"dead","version":"1.2.3"}]}"#
        ),
    ]
}
