import AMQP
import Clocks
import Ledger
import Messages
import Testing

@testable import Jobs
@testable import Pipeline

/// Whose turn it is, as transcripts.
@Suite struct DispatchTests: DispatchTranscript {
    var dispatch = Dispatch(limits: .init(perAccount: 1, requestsPerMinutePerAccount: 0))

    @Test mutating func whatHasEndedIsWaitedForNoMore() {
        for number in 0..<1_000 {
            dispatch.accept(item(UInt64(number), "j\(number)", account: "a\(number)"), at: at(0))
        }
        #expect(dispatch.nextTimer == at(60))
        for number in (1..<1_000).reversed() { dispatch.end(tag(UInt64(number)), at: at(1)) }
        #expect(dispatch.nextTimer == at(60), "the first is still in hand")
        dispatch.end(tag(0), at: at(1))
        #expect(dispatch.waitLimits.isEmpty && dispatch.nextTimer == nil)
    }

    @Test mutating func whereAJobIs() {
        let place = { (dispatch: Dispatch, id: String) in dispatch.whereabouts(of: JobID(id))?.place }
        #expect(place(dispatch, "one") == nil)
        dispatch.accept(item(1, "one", lane: .bulk), at: at(0))
        dispatch.accept(item(2, "one"), at: at(0))
        #expect(
            dispatch.whereabouts(of: JobID("one"))
                == JobInFlight(
                    account: AccountID("a"), generation: 0, lane: .bulk, receivedAt: at(0), place: .waitingForTurn))
        #expect(next()?.id == "one")
        #expect(place(dispatch, "one") == .withWorker)
        dispatch.delay(item(1, "one", lane: .bulk), until: at(9), at: at(1))
        #expect(place(dispatch, "one") == .betweenTries)
        // The second delivery has its turn when the first has ended.
        dispatch.end(tag(1), at: at(2))
        #expect(dispatch.whereabouts(of: JobID("one"))?.lane == .jobs)
        dispatch.end(tag(2), at: at(3))
        #expect(place(dispatch, "one") == nil)
    }

    /// The sweep of unpublished results reads the ledger and then publishes what no delivery does.
    @Test mutating func aJobThatCameAndLeftMeanwhileWasInFlight() {
        dispatch.accept(item(1, "before"), at: at(0))
        dispatch.end(tag(1), at: at(0))
        dispatch.accept(item(2, "leaves"), at: at(0))
        dispatch.accept(item(3, "stays"), at: at(0))
        dispatch.noteLeavingJobs()
        dispatch.end(tag(2), at: at(1))
        dispatch.accept(item(4, "comes"), at: at(1))
        dispatch.accept(item(5, "comes"), at: at(1))
        dispatch.end(tag(4), at: at(2))
        dispatch.end(tag(5), at: at(2))
        let jobs = ["before", "leaves", "stays", "comes"].map { JobID($0) }
        #expect(jobs.map(dispatch.wasInFlight) == [false, true, true, true])
        dispatch.forgetLeftJobs()
        #expect(jobs.map(dispatch.wasInFlight) == [false, false, true, false])
    }

    @Test mutating func anAccountHasOneCallAndTheOthersDoNotWaitForIt() {
        for (number, account) in ["a", "a", "a", "b", "c"].enumerated() {
            dispatch.accept(item(UInt64(number), "j\(number)", account: account), at: at(0))
        }
        #expect(ids(5) == ["j0", "j3", "j4"])
        dispatch.end(tag(0), at: at(1))
        #expect(ids(5, at: 1) == ["j1"])
    }

    @Test mutating func theOldestIsTheOldestInFlightWhateverItDoes() {
        #expect(dispatch.oldest == nil)
        dispatch.accept(item(1, "j1", receivedAt: 3), at: at(3))
        dispatch.accept(item(2, "j2", account: "b", receivedAt: 5), at: at(5))
        dispatch.accept(item(3, "j1", receivedAt: 6), at: at(6))
        #expect(dispatch.oldest == at(3))
        // Between two tries it is as old as it was.
        let first = dispatch.next(callLimit: 10, at: at(7))
        if let first { dispatch.delay(first.item, until: at(20), at: at(8)) }
        #expect(dispatch.oldest == at(3))
        dispatch.end(tag(1), at: at(30))
        #expect(dispatch.oldest == at(5))
        dispatch.end(tag(2), at: at(30))
        #expect(dispatch.oldest == at(6), "the follower is in hand as well")
        dispatch.end(tag(3), at: at(30))
        #expect(dispatch.oldest == nil)
    }

    @Test mutating func accountsThatWaitAloneAreCounted() {
        dispatch.accept(item(1, "j1", account: "a"), at: at(0))
        #expect(dispatch.waitingAccounts(at: at(0)) == [:])
        dispatch.pause(AccountID("a"), at: at(0))
        dispatch.refuse(AccountID("b"), .minute, atLeast: .seconds(10), at: at(0), wall: Timestamp(milliseconds: 0))
        #expect(dispatch.waitingAccounts(at: at(0)) == [.paused: 1, .minute: 1])
        let resumed = dispatch.resume(AccountID("a"), at: at(1))
        #expect(resumed == .paused)
        #expect(dispatch.waitingAccounts(at: at(1)) == [.minute: 1])
    }

    @Test mutating func theCanaryTestsAHoldFirstButNotWithAJobThatHasFailed() {
        dispatch.limits.canary = AccountID("bird")
        dispatch.accept(item(1, "j1", account: "a"), at: at(0))
        dispatch.accept(item(2, "tweet", account: "bird"), at: at(0))
        var other = dispatch
        var third = dispatch
        let first = dispatch.nextProbe(callLimit: 1, rank: { _, _ in 0 }, at: at(1))
        #expect(first?.item.job?.id == JobID("tweet"))
        let afterFailure = other.nextProbe(
            callLimit: 1, rank: { job, _ in job == JobID("tweet") ? 2 : 0 }, at: at(1))
        #expect(afterFailure?.item.job?.id == JobID("j1"))
        let ownTrouble = third.nextProbe(
            callLimit: 1, rank: { _, account in account == AccountID("a") ? 0 : nil }, at: at(1))
        #expect(ownTrouble?.item.job?.id == JobID("j1"))
    }

    @Test mutating func noMoreCallsThanTheLimit() {
        for number in 0..<5 { dispatch.accept(item(UInt64(number), "j\(number)", account: "a\(number)"), at: at(0)) }
        #expect(ids(5, limit: 2).count == 2)
        #expect(dispatch.callsInFlight == 2)
        dispatch.end(tag(0), at: at(0))
        #expect(ids(5, limit: 2).count == 1)
    }

    @Test mutating func aSecondDeliveryFollowsAndTakesTheLeadersPlace() {
        dispatch.accept(item(1, "same"), at: at(0))
        dispatch.accept(item(2, "same"), at: at(0))
        dispatch.accept(item(3, "same"), at: at(0))
        #expect(ids(3) == ["same"])
        dispatch.end(tag(1), at: at(1))
        #expect(ids(3, at: 1) == ["same"])
        // The one that waits too long steps aside; the leader goes on.
        let aside = next(at: 61)
        #expect(aside?.action == .awaitLeader)
    }

    @Test mutating func whatWaitsTooLongIsParked() {
        dispatch.accept(item(1, "first"), at: at(0))
        dispatch.accept(item(2, "second"), at: at(0))
        #expect(ids(2) == ["first"])
        #expect(next(at: 59)?.id == nil)
        let parked = next(at: 60)
        #expect(parked?.id == "second" && parked?.action == .awaitTurn)
    }

    @Test mutating func anotherTryComesWhenItsTimeHasAndBeforeTheAccountsOthers() {
        dispatch.accept(item(1, "first"), at: at(0))
        dispatch.accept(item(2, "second"), at: at(0))
        #expect(ids(1) == ["first"])
        dispatch.delay(item(1, "first"), until: at(5), at: at(1))
        #expect(ids(2, at: 1) == ["second"])
        dispatch.end(tag(2), at: at(2))
        #expect(ids(1, at: 4) == [])
        #expect(ids(1, at: 5) == ["first"])
    }

    @Test mutating func anAccountOverItsMinuteWaitsForItsSlot() {
        dispatch = Dispatch(limits: .init(perAccount: 8, requestsPerMinutePerAccount: 2))
        for number in 0..<4 { dispatch.accept(item(UInt64(number), "j\(number)"), at: at(0)) }
        dispatch.accept(item(9, "other", account: "b"), at: at(0))
        var order: [String] = []
        while let turn = next() {
            order.append(turn.id)
            if turn.id != "other" { dispatch.callBegan(AccountID("a"), at: at(0)) }
        }
        #expect(order == ["j0", "other", "j1"])
        #expect(ids(3, at: 59) == [])
    }

    @Test mutating func suspectsRunAloneAfterEverythingElseWentBack() {
        dispatch.accept(item(1, "ordinary", account: "a", lane: .due), at: at(0))
        dispatch.accept(item(2, "suspect", account: "b", lane: .due, suspect: 1), at: at(0))
        let back = next()
        #expect(back?.id == "ordinary" && back?.action == .release)
        #expect(next() == nil, "it is still in hand")
        dispatch.end(tag(1), at: at(0))
        let alone = next()
        #expect(alone?.id == "suspect" && alone?.action == .work)
        dispatch.end(tag(2), at: at(1))
        #expect(dispatch.suspects.isOn, "more of them may come")
        dispatch.advance(to: at(2.5))
        #expect(!dispatch.suspects.isOn)
    }

    @Test mutating func aSuspectThatIsTriedAgainLetsTheOthersInWhenItHasEnded() {
        let suspect = item(1, "suspect", account: "b", lane: .due, suspect: 1)
        dispatch.accept(suspect, at: at(0))
        #expect(next()?.id == "suspect")
        dispatch.delay(suspect, until: at(1), at: at(0))
        #expect(next(at: 0.5) == nil)
        dispatch.advance(to: at(1))
        #expect(next(at: 1)?.id == "suspect")
        dispatch.end(tag(1), at: at(1))
        #expect(dispatch.suspects.isIdle)
        dispatch.accept(item(2, "ordinary", account: "a", lane: .due), at: at(1))
        #expect(!dispatch.suspects.isOn)
        #expect(next(at: 1)?.id == "ordinary")
    }

    @Test mutating func whatNoWorkerHasIsForgottenWithItsConnection() {
        dispatch.accept(item(1, "running", account: "a"), at: at(0))
        dispatch.accept(item(2, "waiting", account: "b"), at: at(0))
        dispatch.accept(item(3, "running", account: "a"), at: at(0))
        #expect(ids(1) == ["running"])
        let lost = dispatch.linkLost(upTo: 1, at: at(1))
        #expect(lost == 2 && dispatch.inFlight == 1)
        // Its redelivery follows it.
        dispatch.accept(item(4, "running", account: "a"), at: at(1))
        #expect(ids(2, at: 1) == [])
        dispatch.end(tag(1), at: at(2))
        #expect(ids(2, at: 2) == ["running"])
    }

    @Test mutating func aStopHandsBackByCopyOnlyWhatHasComeBackOften() {
        dispatch.accept(item(1, "new", account: "a"), at: at(0))
        dispatch.accept(item(2, "often", account: "b", deliveries: 5), at: at(0))
        dispatch.accept(item(3, "suspect", account: "c", lane: .due, suspect: 1, deliveries: 1), at: at(0))
        dispatch.releaseOftenReturned()
        var back: [String] = []
        while let turn = dispatch.nextRelease(at: at(0)) {
            #expect(turn.action == .release)
            back.append(turn.item.job?.id.string ?? "-")
        }
        #expect(back == ["often", "suspect"])
    }

    @Test mutating func nothingIsKeptOfAccountsThatAreDone() {
        for number in 0..<1_000 {
            let tag = UInt64(number + 1)
            dispatch.accept(item(tag, "j\(number)", account: "a\(number)"), at: at(Double(number)))
            #expect(ids(1, at: Double(number)).count == 1)
            dispatch.end(self.tag(tag), at: at(Double(number)))
        }
        #expect(dispatch.accounts.isEmpty && dispatch.duplicateGroups.isEmpty && dispatch.entries.isEmpty)
    }
}
