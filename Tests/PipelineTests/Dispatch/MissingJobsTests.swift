import AMQP
import Clocks
import Ledger
import PipelineHarness
import Testing

@testable import Jobs
@testable import Pipeline

/// What the sweep finds nowhere, as a transcript: a copy is lost if two looks miss it and nothing comes between them.
@Suite struct MissingJobsTests {
    private func overdue(_ id: String, revision: Int = 1) -> OverdueJob {
        OverdueJob(jobID: JobID(id), account: AccountID("ann"), open: WorkerHarness.open(copy: 1), revision: revision)
    }

    /// The looks of a sweep, each with what it misses, and what is lost by it.
    private func look(_ missing: inout MissingJobs, at second: Double, _ overdue: OverdueJob...) -> [String] {
        missing.note(overdue, unheardFor: .seconds(30), at: at(second)).map(\.jobID.string)
    }

    @Test func oneLookIsNotEnoughAndASecondOneSoonAfterNeither() {
        var missing = MissingJobs()
        let lost = [
            look(&missing, at: 0, overdue("a")), look(&missing, at: 29, overdue("a")),
            look(&missing, at: 60, overdue("a"), overdue("b")), look(&missing, at: 90, overdue("a"), overdue("b")),
        ]
        #expect(lost == [[], [], ["a"], ["a", "b"]])
    }

    @Test func whatWasDeliveredBetweenIsMissedAnew() {
        var missing = MissingJobs()
        _ = look(&missing, at: 0, overdue("a"), overdue("b"))
        missing.delivered(JobID("a"))
        #expect(!missing.contains(JobID("a")) && missing.contains(JobID("b")))
        let lost = [look(&missing, at: 60, overdue("a"), overdue("b")), look(&missing, at: 90, overdue("a"))]
        #expect(lost == [["b"], ["a"]])
    }

    @Test func whatHasChangedInTheLedgerIsMissedAnew() {
        var missing = MissingJobs()
        let lost = [1, 2, 2].enumerated().map { number, revision in
            look(&missing, at: Double(number) * 60, overdue("a", revision: revision))
        }
        #expect(lost == [[], [], ["a"]])
    }

    @Test func whatWasThereOnceIsMissedAnew() {
        var missing = MissingJobs()
        let lost = [
            look(&missing, at: 0, overdue("a")), look(&missing, at: 60), look(&missing, at: 120, overdue("a")),
        ]
        missing.forget()
        let afterwards = look(&missing, at: 180, overdue("a"))
        #expect(lost == [[], [], []] && afterwards == [])
    }

    /// The harness's own: on a busy machine the clock would go on for hours while a message is moved, and the sweep would
    /// find it nowhere.
    @Test func aMessageWhoseDelayIsOverKeepsTheClockUntilItIsReady() async {
        for _ in 0..<200 {
            let activity = Activity()
            let clock = ManualClock(start: Harness.start, activity: activity)
            let broker = MiniBroker(clock: clock, activity: activity, prefetch: 1)
            let copy = Publication(
                exchange: "", routingKey: "\(MiniBroker.prefix).retry.5s", properties: Properties(), body: [])
            #expect(await broker.publish(copy) == .confirmed)
            await activity.settle()
            clock.advance(to: at(5))
            #expect(activity.isUnderWay || broker.count("due") == 1)
        }
    }
}
