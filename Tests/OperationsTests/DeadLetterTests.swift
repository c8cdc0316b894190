import AMQP
import Clocks
import Jobs
import Messages
import Testing

@testable import Operations

/// What a letter's headers are taken for.
@Suite struct DeadLetterTests {
    private static let noon = Timestamp(milliseconds: 1_795_435_200_000)

    private static func deadLetter(
        generation: FieldValue = .integer(0), of job: String = "j", deadline: Timestamp? = nil,
        given: NewDeadline? = nil
    ) -> DeadLetter {
        var properties = Properties()
        var headers = FieldTable()
        headers.append(JobHeaders.Name.reason, .text("poison"))
        headers.append(JobHeaders.Name.generation, generation)
        switch given {
        case .at(let time)?: headers.append(JobHeaders.Name.deadline, .integer(time.milliseconds))
        case .lifted?: headers.append(JobHeaders.Name.deadline, .text("none"))
        case nil: break
        }
        let more = deadline.map { #","deadline":"\#($0.rfc3339)""# } ?? ""
        properties.headers = headers
        return DeadLetter(
            reading: IncomingMessage(
                tag: DeliveryTag(generation: 1, number: 1), queue: "q.dead", exchange: "", routingKey: "",
                isRedelivered: false, properties: properties,
                body: .complete(Array(#"{"jobId":"\#(job)"\#(more)}"#.utf8)),
                receivedAt: MonotonicTime(nanoseconds: 0)))
    }

    @Test func severalJobsAreMeantAtOnce() {
        let filter = DeadLetterFilter(jobIDs: [JobID("a"), JobID("-b")])
        #expect(!filter.isOfAll)
        let matching = ["a", "-b", "c"].filter { filter.matches(Self.deadLetter(generation: .integer(0), of: $0)) }
        #expect(matching == ["a", "-b"])
        #expect(DeadLetterFilter().isOfAll, "none named: any job")
    }

    @Test func aRedriveIsOneGenerationLater() {
        for (generation, next) in [(3, 4), (999_999, 1_000_000)] {
            let plan = RedrivePlan(
                Self.deadLetter(generation: .integer(Int64(generation))), history: nil, at: Self.noon)
            #expect(plan == .run(generation: next, deadline: nil))
        }
    }

    @Test func aJobWhoseDeadlineHasPassedStaysUntilItIsGivenAnother() {
        let (passed, later) = (Self.noon - .seconds(1), Self.noon + .seconds(60))
        func plan(_ deadLetter: DeadLetter, _ deadline: NewDeadline? = nil) -> RedrivePlan {
            RedrivePlan(deadLetter, deadline: deadline, history: nil, at: Self.noon)
        }
        let late = Self.deadLetter(deadline: passed)
        #expect(plan(late) == .late(deadline: passed))
        #expect(plan(late).message.contains("--deadline none"))
        #expect(plan(late, .lifted) == .run(generation: 1, deadline: nil))
        #expect(plan(late, .at(later)) == .run(generation: 1, deadline: later))
        #expect(plan(late, .at(later)).message.contains("with deadline \(later.rfc3339)"))
        #expect(plan(Self.deadLetter(deadline: later)) == .run(generation: 1, deadline: later))
        // What an earlier redrive gave counts in the place of the job's own.
        #expect(plan(Self.deadLetter(deadline: passed, given: .lifted)) == .run(generation: 1, deadline: nil))
        #expect(plan(Self.deadLetter(deadline: later, given: .at(passed))) == .late(deadline: passed))
        #expect(plan(Self.deadLetter(given: .at(passed))) == .late(deadline: passed))
    }

    /// A fuzzer's find: one more than the largest integer ended the command, and the worker would not have believed it.
    @Test(arguments: [1_000_000, .max, .min, -1] as [Int64])
    func aGenerationThatNobodyWroteCountsAsNone(number: Int64) {
        let deadLetter = Self.deadLetter(generation: .integer(number))
        #expect(deadLetter.generation == 0)
        #expect(RedrivePlan(deadLetter, history: nil, at: Self.noon) == .run(generation: 1, deadline: nil))
    }
}
