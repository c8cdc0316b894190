import AMQP
import Clocks
import Ledger
import Messages
import Photos
import PipelineHarness
import SQLiteLedger
import Testing

@testable import Jobs
@testable import Pipeline

/// What is decided of a turn: the ledger's word and the API's answer in, a disposition out. There is no broker: a
/// worker that published or settled anything here would fail the test.
@Suite struct DecidingTests {
    @Test(
        "a delivery that is no job's turn is not looked up",
        arguments: [(TurnAction.release, "release hold"), (.awaitLeader, "release following in 60 s")])
    func action(_ action: TurnAction, _ expected: String) async throws {
        let harness = try WorkerHarness()
        #expect(await harness.decide(action: action) == expected)
        #expect(harness.ledger.requests == [])
    }

    @Test(
        "what the ledger knows of a job decides before any call",
        arguments: [
            (LookupResult.conflict, "reject job_id_conflict"),
            (.finished(WorkerHarness.finished(unsent: false)), "replay old"),
            (.finished(WorkerHarness.finished(unsent: true)), "publish unsent old"),
            (.superseded(WorkerHarness.stored), "replay old"), (.superseded(nil), "replay nothing"),
            (.parked(WorkerHarness.open()), "acknowledge"),
            (.unparked(WorkerHarness.open(copy: 3)), "republish copy 3"),
            (.cancelled(nil), "finish cancelled"),
            (.leased(until: WorkerHarness.start + .milliseconds(19_900)), "release leased in 20 s"),
            (.leased(until: WorkerHarness.start + .milliseconds(1_900)), "retry in 2 s"),
            (.resumed(WorkerHarness.open(attempts: 10)), "finish attempts_exhausted"),
        ])
    func lookup(_ lookup: LookupResult, _ expected: String) async throws {
        let harness = try WorkerHarness()
        harness.ledger.lookup = lookup
        #expect(await harness.decide() == expected)
        #expect(harness.ledger.requests == ["look"])
        #expect(harness.photos.calls.isEmpty)
    }

    @Test("a yes ends the job after one claim, and the album's word before it where a call went unheard")
    func success() async throws {
        let harness = try WorkerHarness()
        #expect(await harness.decide() == "finish left")
        #expect(harness.ledger.requests == ["look", "claim call"])
        let doubtful = try WorkerHarness(album: .album(joined: false))
        doubtful.ledger.lookup = .resumed(WorkerHarness.open(isAmbiguous: true))
        #expect(await doubtful.decide() == "finish already_left")
        #expect(doubtful.ledger.requests == ["look", "claim albumQuery"])
        #expect(doubtful.photos.calls.isEmpty)
    }

    @Test("a job that is new to all appearances is claimed without a look")
    func presumption() async throws {
        let harness = try WorkerHarness()
        #expect(await harness.decide(lane: .jobs) == "finish left")
        #expect(harness.ledger.requests == ["claim call, presumed new"])
        // The ledger knows better.
        let known = try WorkerHarness()
        known.ledger.answers = [.refused(.parked(WorkerHarness.open()))]
        #expect(await known.decide(lane: .jobs) == "acknowledge")
        #expect(known.photos.calls.isEmpty)
    }

    @Test("a call that came too late to be sent is withdrawn, and claimed again")
    func tooLate() async throws {
        let harness = try WorkerHarness { _ in .tooLate(detail: "over") }
        let decision = await harness.decide(tries: 1)
        #expect(decision.hasPrefix("retry in 0"), "\(decision)")
        #expect(harness.ledger.requests == ["look", "claim call", "withdraw call of d"])
    }

    @Test("a server's fault closes the intent and is tried again in flight, then later")
    func serverFault() async throws {
        let harness = try WorkerHarness { _ in .unavailable }
        let first = await harness.decide()
        #expect(first.hasPrefix("retry in 1"), "\(first)")
        #expect(harness.ledger.requests == ["look", "claim call", "kept"])
        let again = try WorkerHarness { _ in .unavailable }
        let parked = await again.decide(tries: 1)
        #expect(parked.hasPrefix("park for 5"), "\(parked)")
        #expect(again.ledger.requests == ["look", "claim call"], "parking is recorded when it is settled")
    }

    @Test("an answer that was heard is followed by a call, one that was not by a question, when it may have arrived")
    func unheard() async throws {
        let heard = try WorkerHarness { _ in .unavailable }
        #expect(await heard.decide() == "retry in 1 s")
        for answer in [Answer.ambiguous(detail: "reset"), .html, .error(502, "UNAVAILABLE")] {
            let harness = try WorkerHarness { _ in answer }
            #expect(await harness.decide() == "retry in 5 s")
        }
    }

    @Test("a job whose account has all its calls under way elsewhere waits in flight, and nobody works on it")
    func busy() async throws {
        for lane in [Lane.jobs, .due] {
            let harness = try WorkerHarness()
            harness.ledger.answers = [.busy(.rate(until: WorkerHarness.start + .seconds(3)))]
            #expect(await harness.decide(lane: lane) == "retry in 3 s")
            #expect(harness.photos.calls.isEmpty)
        }
    }

    @Test("what was heard under a lease is decided on under it, until somebody else has claimed")
    func decidedUnder() async throws {
        let harness = try WorkerHarness(album: .album(joined: true))
        let lease = Lease(fence: 7, beginsBefore: .distantFuture, isFirstCall: false)
        harness.ledger.lookup = .resumed(WorkerHarness.open(isAmbiguous: true))
        harness.ledger.answers = [
            .claimed(WorkerHarness.open(isAmbiguous: true), lease), .refused(.resumed(WorkerHarness.open())),
        ]
        #expect(await harness.decide() == "retry in 0 s")
        #expect(harness.ledger.claims.map(\.decidedUnder) == [nil, 7] && harness.photos.calls.isEmpty)
    }

    @Test("a claim that is refused has changed nothing: the job has another turn at once")
    func refusedClaim() async throws {
        let harness = try WorkerHarness()
        harness.ledger.answers = [.refused(.parked(WorkerHarness.open()))]
        #expect(await harness.decide() == "retry in 0 s")
        #expect(harness.photos.calls.isEmpty)
    }

    @Test("a ledger that was closed sends the delivery back to the broker, one that cannot answer keeps it")
    func ledgerAway() async throws {
        let closed = try WorkerHarness { _ in .unavailable }
        closed.ledger.refusesRecords = true
        #expect(await closed.decide() == "return to broker")
        let away = try WorkerHarness()
        away.ledger.lookup = nil
        #expect(await away.decide() == "retry in 1 s")
    }

    @Test("an older generation that is open ends with the newer one's claim")
    func predecessor() async throws {
        let harness = try WorkerHarness()
        harness.ledger.lookup = .fresh(isAmbiguous: false, predecessor: WorkerHarness.open(attempts: 2))
        #expect(await harness.decide(generation: 1) == "finish left, closing j#0")
        let closing = try #require(harness.ledger.claims.first?.closing)
        #expect((closing.messageID, closing.reason) == ("j#0", .poison))
        let result = try JobResult.decode(closing.body)
        #expect((result.generation, result.attempts) == (0, 2))
        // Refused, the claim has closed nothing, and there is nothing to publish.
        let refused = try WorkerHarness()
        refused.ledger.lookup = harness.ledger.lookup
        refused.ledger.answers = [.refused(.conflict)]
        #expect(await refused.decide(generation: 1) == "retry in 0 s")
    }
}
