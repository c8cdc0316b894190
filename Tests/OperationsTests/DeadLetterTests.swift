import AMQP
import Clocks
import Jobs
import Messages
import Testing

@testable import Operations

/// What a letter's headers are taken for.
@Suite struct DeadLetterTests {
    private static func deadLetter(generation: FieldValue, of job: String = "j") -> DeadLetter {
        var properties = Properties()
        var headers = FieldTable()
        headers.append(JobHeaders.Name.reason, .text("poison"))
        headers.append(JobHeaders.Name.generation, generation)
        properties.headers = headers
        return DeadLetter(
            reading: IncomingMessage(
                tag: DeliveryTag(generation: 1, number: 1), queue: "q.dead", exchange: "", routingKey: "",
                isRedelivered: false, properties: properties, body: .complete(Array(#"{"jobId":"\#(job)"}"#.utf8)),
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
        #expect(RedrivePlan(Self.deadLetter(generation: .integer(3)), history: nil) == .run(generation: 4))
        #expect(
            RedrivePlan(Self.deadLetter(generation: .integer(999_999)), history: nil) == .run(generation: 1_000_000))
    }

    /// A fuzzer's find: one more than the largest integer ended the command, and the worker would not have believed it.
    @Test(arguments: [1_000_000, .max, .min, -1] as [Int64])
    func aGenerationThatNobodyWroteCountsAsNone(number: Int64) {
        let deadLetter = Self.deadLetter(generation: .integer(number))
        #expect(deadLetter.generation == 0)
        #expect(RedrivePlan(deadLetter, history: nil) == .run(generation: 1))
    }
}
