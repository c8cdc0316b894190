import Clocks
import Testing

@testable import Jobs
@testable import Pipeline

/// What waits while somebody else has a job: the sweep that publishes its result, or a person who ends it.
@Suite struct ReservationTests: DispatchTranscript {
    var dispatch = Dispatch(limits: .init(perAccount: 1, requestsPerMinutePerAccount: 0))

    /// Else both publish its result.
    @Test mutating func aDeliveryWaitsForWhoeverPublishesItsJobsResult() {
        let job = JobID("j")
        dispatch.noteLeavingJobs()
        let isFree = dispatch.standIn(for: job)
        #expect(isFree)
        let isFreeTwice = dispatch.standIn(for: job)
        #expect(!isFreeTwice)
        dispatch.accept(item(1, "j"), at: at(0))
        dispatch.accept(item(2, "k", account: "b"), at: at(0))
        #expect(ids(2) == ["k"])
        dispatch.vacate(job, at: at(1))
        #expect(ids(2, at: 1) == ["j"])
        let isFreeWhileCalled = dispatch.standIn(for: job)
        #expect(!isFreeWhileCalled)
        dispatch.end(tag(1), at: at(2))
        let isFreeBehind = dispatch.standIn(for: job)
        #expect(!isFreeBehind, "that one has published it, after it was read")
        dispatch.noteLeavingJobs()
        let isFreeNext = dispatch.standIn(for: job)
        #expect(isFreeNext)
        // Nobody came: as if it had not been.
        dispatch.vacate(job, at: at(3))
        #expect(dispatch.whereabouts(of: job) == nil)
    }

    @Test mutating func aReservedJobHasItsTurnsAtOnceAndCallsNobody() {
        let job = JobID("j")
        dispatch.accept(item(1, "j"), at: at(0))
        dispatch.accept(item(2, "j"), at: at(0))
        dispatch.accept(item(3, "k"), at: at(0))
        // Nothing may call, as on hold.
        #expect(next(0) == nil)
        dispatch.expedite(job)
        let isFree1 = dispatch.occupy(job)
        #expect(!isFree1)
        var turn = next(0)
        #expect(turn?.id == "j" && turn?.action == .awaitTurn)
        #expect(next(0) == nil, "the second follows the first, and the other job waits")
        // It comes back once, and then waits as it is told.
        dispatch.delay(item(1, "j"), until: at(9), at: at(1))
        #expect(next(0, at: 2) == nil)
        turn = next(0, at: 9)
        #expect(turn?.id == "j" && turn?.action == .awaitTurn)
        dispatch.end(tag(1), at: at(9))
        turn = next(0, at: 9)
        #expect(turn?.id == "j" && turn?.action == .awaitTurn, "the follower, at once")
        let isFree2 = dispatch.occupy(job)
        #expect(!isFree2)
        dispatch.end(tag(2), at: at(9))
        let isFree3 = dispatch.occupy(job)
        #expect(isFree3)
        // What comes now waits for whoever ends the job.
        dispatch.accept(item(4, "j"), at: at(9))
        #expect(next(0, at: 10) == nil)
        dispatch.endReservation(of: job, at: at(10))
        turn = next(0, at: 10)
        #expect(turn?.id == "j" && turn?.action == .awaitTurn)
        dispatch.end(tag(4), at: at(10))
        // It is a job as any other again.
        dispatch.accept(item(5, "j", account: "b"), at: at(11))
        #expect(next(0, at: 11) == nil)
        #expect(ids(2, at: 11) == ["k", "j"])
    }

    @Test mutating func aCallInFlightEndsBeforeItsJobIsReserved() {
        let job = JobID("j")
        dispatch.accept(item(1, "j"), at: at(0))
        #expect(next()?.action == .work)
        dispatch.expedite(job)
        let isFree4 = dispatch.occupy(job)
        #expect(!isFree4)
        dispatch.delay(item(1, "j"), until: at(60), at: at(1))
        let turn = next(0, at: 1)
        #expect(turn?.action == .awaitTurn, "no second call")
        #expect(dispatch.callsInFlight == 0)
        dispatch.end(tag(1), at: at(1))
        let isFree5 = dispatch.occupy(job)
        #expect(isFree5)
        // A connection that is lost meanwhile takes what waits with it.
        dispatch.accept(item(2, "j"), at: at(2))
        let lost = dispatch.linkLost(upTo: 1, at: at(2))
        #expect(lost == 1)
        dispatch.endReservation(of: job, at: at(3))
        #expect(dispatch.duplicateGroups.isEmpty && dispatch.reserved.isEmpty && next(at: 3) == nil)
    }
}
