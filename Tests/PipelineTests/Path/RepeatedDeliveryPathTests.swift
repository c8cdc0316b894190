import AMQP
import Clocks
import Concurrency
import Ledger
import Messages
import Photos
import Pipeline
import PipelineHarness
import SQLiteLedger
import Testing

@testable import Jobs
@testable import Pipeline

/// What becomes of a message that comes again: of the same job, of another with its id, of one that was rejected.
@Suite struct RepeatedDeliveryPathTests {
    @Test func aDuplicateFollowsAndGetsTheSameBytes() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.submit("a")
            harness.submit("a")
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.photos.calls.count == 1)
            #expect(Set(harness.results.map(\.body)).count == 1)
            #expect(harness.results.map(\.isReplayed) == [false, true])
            #expect(harness.broker.waiting == 0)
        }
    }

    @Test func aDuplicateOfAParkedJobIsAckedWithoutAResult() async throws {
        try await harness { call in
            call.earlier < 2 ? .unavailable : .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            harness.submit("a")
            await harness.advance { harness.broker.settlements.acks == 2 }
            #expect(harness.resultCount == 0)
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["left"])
            #expect(harness.photos.calls.count == 3)
        }
    }

    @Test func anotherAccountUnderTheIDIsAConflictAndChangesNothing() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.submit("a", account: "ann", token: "t")
            await harness.advance { harness.resultCount == 1 }
            harness.submit("a", account: "bob", token: "t")
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.map(\.reason) == [nil, "job_id_conflict"])
            #expect(harness.deadLetters == ["job_id_conflict"])
            #expect(harness.photos.calls.count == 1)
        }
    }

    @Test func theDeadLettersResultIsReplayedAndTheDeadLetterIsNot() async throws {
        try await harness { _ in
            .unknownToken
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount == 1 }
            harness.submit("a")
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.deadLetters.count == 1)
            #expect(Set(harness.results.map(\.body)).count == 1)
        }
    }

    @Test func whatNeverBecameAJobGetsADeadLetterAndARejectedResult() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.broker.put(Array("[]".utf8), into: "jobs")
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.reason) == ["malformed_job"])
            #expect(harness.results.first?.outcome == "rejected")
            #expect(harness.results.first?.messageID.hasPrefix("rejected:") == true)
            #expect(harness.deadLetters == ["malformed_job"])
            let entries = try await harness.ledger.inner.statistics().entries
            #expect(entries == 0)
        }
    }

    @Test func aMessageThatIsRejectedAgainGetsTheSameBytes() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.broker.put(Array("[]".utf8), into: "jobs")
            await harness.advance { harness.resultCount == 1 }
            await harness.pass(.seconds(90))
            harness.broker.put(Array("[]".utf8), into: "bulk")
            await harness.advance { harness.resultCount == 2 }
            #expect(Set(harness.results.map(\.messageID)).count == 1)
            #expect(Set(harness.results.map(\.body)).count == 1)
        }
    }

    @Test func tenOrderlyStopsDoNotMakeAJobSuspicious() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            var headers = FieldTable()
            headers.append("x-delivery-count", .integer(9))
            harness.submit("a", lane: "jobs") { $0.headers = headers }
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["left"])
        }
    }

    @Test func aJobThatCameBackTenTimesIsSetApartThriceAndThenPoison() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            // The broker's own count, as after ten deaths of the worker.
            var headers = FieldTable()
            headers.append("x-delivery-count", .integer(10))
            harness.submit("a") { $0.headers = headers }
            await harness.advance { harness.resultCount > 0 }
            // Set apart once, it came back with a new count, ran alone and was done.
            #expect(harness.results.map(\.outcome) == ["left"])
            let quarantine = harness.events.count { if case .quarantine = $0 { true } else { false } }
            #expect(quarantine == 1)
            var past = JobHeaders()
            past.suspect = 3
            var poisoned = FieldTable()
            past.write(to: &poisoned)
            harness.submit("b", lane: "due") { $0.headers = poisoned }
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.last?.reason == "poison")
            #expect(harness.deadLetters == ["poison"])
        }
    }
}
