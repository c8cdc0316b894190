import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// What every ledger keeps of a job that came as an event: who it is, and what its results echo.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct LedgerEventConformanceTests {
    private static func event(source: String = "/idm", subject: String? = nil) -> EventContext {
        EventContext(
            id: Array("e-1".utf8), source: Array(source.utf8), type: Array("leave".utf8),
            subject: subject.map { Array($0.utf8) }, time: "2026-11-23T19:50:00Z")
    }

    private static func arrival(
        _ event: EventContext?, generation: Int = 0, copy: Int = 0, isCopy: Bool = false
    ) -> Arrival {
        var arrival = Sample.arrival(generation: generation, copy: copy)
        (arrival.event, arrival.isCopy) = (event, isCopy)
        return arrival
    }

    private static func open(_ event: EventContext?, isAmbiguous: Bool = false) -> OpenJob {
        var open = Sample.open(isAmbiguous: isAmbiguous)
        open.event = event
        return open
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func theEventIsDurableWithTheClaim(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let event = Self.event(subject: "users/\u{FC}\"7")
            let arrival = Self.arrival(event)
            #expect(try await ledger.claim(Sample.claim(arrival, presumesNew: true)) == .claimed(Self.open(event)))
            #expect(
                try await ledger.lookUp(arrival, at: Sample.start) == .resumed(Self.open(event, isAmbiguous: true)))
            #expect(try await ledger.record(Sample.parked(arrival)) == .copy(1))
            ledger.mark(.copy(1), of: arrival.jobID, generation: 0)
            let overdue = try await ledger.overdue(before: Sample.late, limit: 9)
            #expect(overdue.map(\.open.event) == [event])
            #expect(overdue.map(\.resultSubject.event) == [event])
            guard case .open(let job) = try await ledger.cancelForGood(arrival.jobID, newest: nil, at: Sample.start)
            else {
                Issue.record("it is open")
                return
            }
            #expect(job.open.event == event)
            let result = try JobResult.decode(job.result(at: Sample.start).body)
            #expect((result.event?.source, result.event?.subject) == (event.source, event.subject))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func anotherSourceIsAnotherJobUntilTheEnd(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let arrival = Self.arrival(Self.event())
            _ = try await ledger.claim(Sample.claim(arrival))
            for hasEnded in [false, true] {
                if hasEnded { try await ledger.record(Sample.finished(arrival)) }
                for other in [Self.arrival(Self.event(source: "/other")), Self.arrival(nil)] {
                    #expect(try await ledger.lookUp(other, at: Sample.start) == .conflict)
                    #expect(
                        try await ledger.claim(Sample.claim(other, presumesNew: true)) == .refused(.conflict))
                }
                // The same event with other words beside its id and source.
                #expect(try await ledger.lookUp(Self.arrival(Self.event(subject: "x")), at: Sample.start) != .conflict)
            }
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func anEventIsNoJobOfAMessageOfItsOwn(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            _ = try await ledger.claim(Sample.claim(Self.arrival(nil)))
            #expect(try await ledger.lookUp(Self.arrival(Self.event()), at: Sample.start) == .conflict)
        }
    }

    /// A program that knows no events makes copies without, and rows without.
    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aCopyWithoutItsEventIsTheJobs(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let arrival = Self.arrival(Self.event())
            _ = try await ledger.claim(Sample.claim(arrival))
            #expect(
                try await ledger.lookUp(Self.arrival(nil, isCopy: true), at: Sample.start)
                    == .resumed(Self.open(Self.event(), isAmbiguous: true)))
            #expect(
                try await ledger.lookUp(Self.arrival(Self.event(source: "/other"), isCopy: true), at: Sample.start)
                    == .conflict)
            try await ledger.record(Sample.finished(arrival, needsDeadLetter: true))
            let next = Self.arrival(nil, generation: 1, isCopy: true)
            guard case .claimed(let open, _) = try await ledger.claim(Sample.claim(next)) else {
                Issue.record("it is fresh")
                return
            }
            #expect(open.event == Self.event(), "the job's for good")
        }
    }
}
