import AMQP
import Clocks
import Ledger
import PipelineHarness
import SQLiteLedger
import Secrets
import Testing

@testable import Jobs
@testable import Pipeline

/// Recorded, confirmed, marked, acked: what a settlement does, and where it stops.
@Suite struct SettlingTests {
    @Test("a result is recorded, published, marked and then acked")
    func success() async throws {
        let harness = try WorkerHarness()
        await harness.process()
        #expect(harness.ledger.requests == ["look", "claim call", "finished 0"])
        #expect(harness.ledger.marks == ["result 0"])
        #expect(harness.broker.log == ["publish j#0", "ack"])
    }

    @Test("what the broker has not confirmed is neither marked nor acked")
    func unconfirmed() async throws {
        let harness = try WorkerHarness()
        harness.broker.outcome = .unknown
        await harness.process()
        #expect(harness.ledger.requests.last == "finished 0")
        #expect(harness.ledger.marks == [])
        #expect(harness.broker.log == ["publish j#0", "nack"])
    }

    @Test("what is not recorded is not published")
    func unrecorded() async throws {
        let harness = try WorkerHarness()
        harness.ledger.refusesRecords = true
        await harness.process()
        #expect(harness.broker.log == ["nack"])
    }

    @Test(
        "what was overtaken is not published, and has another turn",
        arguments: [Recorded.alreadyEnded, .fenced])
    func overtaken(_ recorded: Recorded) async throws {
        let harness = try WorkerHarness()
        harness.ledger.recorded = recorded
        await harness.process()
        #expect(harness.ledger.requests == ["look", "claim call", "finished 0"])
        #expect(harness.broker.log == [] && harness.ledger.marks == [])
        let fenced = harness.events.count { if case .fenced = $0 { true } else { false } }
        #expect(fenced == (recorded == .fenced ? 1 : 0))
        let goesOn = try WorkerHarness { _ in .unavailable }
        goesOn.ledger.recorded = recorded
        #expect(await goesOn.decide() == "retry in 0 s")
    }

    @Test("a job that waits in flight is not settled")
    func waiting() async throws {
        let harness = try WorkerHarness { _ in .unavailable }
        await harness.process()
        #expect(harness.ledger.requests == ["look", "claim call", "kept"])
        #expect(harness.broker.log == [])
    }

    // MARK: An older generation

    private static let fresh = LookupResult.fresh(isAmbiguous: false, predecessor: WorkerHarness.open(attempts: 2))

    @Test("an older generation that the claim closed has its result published first")
    func closedByTheClaim() async throws {
        let harness = try WorkerHarness()
        harness.ledger.lookup = Self.fresh
        await harness.process(generation: 1)
        #expect(harness.ledger.requests == ["look", "claim call", "finished 1", "look"])
        #expect(harness.broker.log == ["publish j#0", "publish j#1", "ack"])
        #expect(harness.ledger.marks == ["result 0", "result 1"])
        #expect(Self.ended(harness) == ["poison", "left"])
    }

    @Test("its result does not wait for the end of a job that is tried again")
    func closedByTheClaimOfAJobThatWaits() async throws {
        let harness = try WorkerHarness { _ in .unavailable }
        harness.ledger.lookup = Self.fresh
        await harness.process(generation: 1)
        #expect(harness.broker.log == ["publish j#0"])
        #expect(harness.ledger.marks == ["result 0"])
    }

    @Test("without a claim it ends before anything is recorded of the newer one")
    func closedWithoutAClaim() async throws {
        let harness = try WorkerHarness()
        harness.ledger.lookup = Self.fresh
        await harness.process(generation: 1, deadline: WorkerHarness.start + .seconds(-1))
        #expect(harness.ledger.requests == ["look", "finished 0", "finished 1", "look"])
        #expect(harness.broker.log.first == "publish j#0" && harness.broker.log.last == "ack")
        #expect(Self.ended(harness) == ["poison", "deadline_exceeded"])
    }

    @Test("a claim that is refused has closed nothing")
    func refusedClaim() async throws {
        let harness = try WorkerHarness()
        harness.ledger.lookup = Self.fresh
        harness.ledger.answers = [.refused(Self.fresh)]
        await harness.process(generation: 1)
        #expect(harness.broker.log == [] && harness.ledger.marks == [])
        #expect(Self.ended(harness) == [])
    }

    @Test("one that was reported lost just before the claim keeps the result that it has")
    func lostBeforeTheClaim() async throws {
        let harness = try WorkerHarness()
        harness.ledger.lookup = Self.fresh
        harness.ledger.older = WorkerHarness.stored
        await harness.process(generation: 1)
        #expect(harness.broker.log == ["publish j#1", "ack"])
        #expect(harness.ledger.marks == ["result 1"])
    }

    private static func ended(_ harness: WorkerHarness) -> [String] {
        harness.events.compactMap { event in
            guard case .ended(let job) = event else { return nil }
            return job.reason?.rawValue ?? job.outcome.rawValue
        }
    }

    // MARK: A body of which only the beginning was taken in

    @Test(
        "a body over 1 MiB is rejected with the job id of its message-id, if that is one",
        arguments: [("m", JobID("m")), ("not an id", nil)] as [(String, JobID?)])
    func tooLarge(messageID: String, jobID: JobID?) async throws {
        let harness = try WorkerHarness()
        var properties = Properties()
        properties.messageID = messageID
        await harness.process(
            IncomingMessage(
                tag: DeliveryTag(generation: 1, number: 1), queue: "p.jobs", exchange: "", routingKey: "",
                isRedelivered: false, properties: properties,
                body: .truncated(prefix: [0x7b], size: 2 << 20, sha256: SHA256Digest(of: [])),
                receivedAt: MonotonicTime(nanoseconds: 0)))
        #expect(harness.broker.log.last == "ack")
        let result = try #require(harness.broker.published.first { $0.exchange == "p.results" })
        let decoded = try JobResult.decode(result.body)
        #expect(decoded.reason == .bodyTooLarge && decoded.jobID == jobID)
        let deadLetter = try #require(harness.broker.published.first { $0.exchange == "p.dead" })
        #expect(deadLetter.routingKey == "body_too_large" && deadLetter.properties.messageID == messageID)
    }
}
