import Clocks
import Testing

@testable import Jobs
@testable import Pipeline

/// Holds, their rounds of probes, and how many calls may be in flight, as transcripts.
@Suite final class GateTests {
    private var gate = Gate(concurrency: 32)
    private let wall = Timestamp(milliseconds: 1_000_000)
    private static let few = RefusalClassifier.Kind(cause: .endpointMisconfigured, threshold: 2)

    private func call(_ number: Int, account: String? = nil, at second: Double, isProbe: Bool = false) -> Gate.Call {
        Gate.Call(
            job: JobID("j\(number)"), account: AccountID(account ?? "a\(number)"), began: at(second), isProbe: isProbe)
    }

    private func refuse(_ number: Int, at second: Double, isProbe: Bool = false) -> Gate.Classification {
        gate.refused(
            call(number, at: second, isProbe: isProbe), Self.few, detail: "no", at: at(second), wall: wall
        ).classification
    }

    private func advance(_ second: Double, isCalling: Bool = false, hasUntried: Bool = false) {
        gate.advance(isCalling: isCalling, hasUntried: hasUntried, at: at(second), wall: wall)
    }

    private func succeed(_ number: Int = 0, at second: Double, isProbe: Bool = false) -> [HoldCause] {
        gate.answered(.success, call(number, at: second, isProbe: isProbe), at: at(second)).lifted.map(\.cause)
    }

    private func limit(at second: Double) -> Int { gate.limit(at: at(second)) }

    /// When the next round begins, in seconds.
    private func nextRound(after second: Double) -> Double? {
        gate.nextCheck(at: at(second)).map { ($0 - at(0)).inSeconds }
    }

    // MARK: How many calls

    @Test func itStartsWithOneCallAndDoublesWithEachSuccess() {
        var limits = [limit(at: 0)]
        for _ in 0..<6 {
            _ = succeed(at: 0)
            limits.append(limit(at: 1))
        }
        #expect(limits == [1, 2, 4, 8, 16, 32, 32])
    }

    @Test func silenceBeginsWithOneAgain() {
        for _ in 0..<6 { _ = succeed(at: 0) }
        _ = gate.callBegan(AccountID("ann"), at: at(0))
        #expect(limit(at: 600) == 32)
        #expect(limit(at: 601) == 1)
    }

    @Test func throttlingHalvesAndComesBackSlowly() {
        var limiter = ConcurrencyLimiter(concurrency: 32)
        for _ in 0..<6 { limiter.succeeded() }
        limiter.throttle()
        #expect(limiter.limit(at: at(0)) == 16)
        for _ in 0..<16 { limiter.succeeded() }
        #expect(limiter.limit(at: at(0)) == 17)
    }

    // MARK: Rounds

    @Test func theFirstRoundsAreQuickAndLargeAndThenOneJobTriesEachTime() {
        _ = succeed(at: 0)
        #expect(refuse(1, at: 1) == .own)
        guard case .standAside = refuse(2, at: 2) else { return #expect(Bool(false), "everybody's") }
        #expect(limit(at: 3) == 0)
        var tried: [Int] = []
        var waits: [Double] = []
        var now = 2.0
        var number = 3
        for _ in 0..<8 {
            let round = nextRound(after: now) ?? .nan
            waits.append(round - now)
            advance(round - 0.001)
            #expect(!gate.isProbing)
            now = round + 0.001
            advance(now)
            #expect(gate.isProbing && limit(at: now) == 1)
            let first = number
            while gate.isProbing {
                gate.chose(AccountID("a\(number)"), at: at(now))
                guard case .standAside(let time) = refuse(number, at: now, isProbe: true) else { return }
                #expect(time >= .seconds(30), "past the round")
                number += 1
                advance(now)
            }
            tried.append(number - first)
        }
        #expect(tried == [8, 48, 1, 1, 1, 1, 1, 1])
        for (wait, plain) in zip(waits, [5.0, 30, 300, 600, 1200, 2400, 3600, 3600]) {
            #expect((plain...plain * 1.1 + 0.01).contains(wait), "\(wait) s")
        }
        #expect(gate.holds[.endpointMisconfigured]?.refusedProbes == 62)
    }

    @Test func oneSuccessLiftsAllAndWhatFailedInAHoldNeedsTwo() {
        gate.isFirstContact()
        _ = refuse(1, at: 0)
        advance(6)
        for number in 2..<6 { _ = refuse(number, at: 6, isProbe: true) }
        #expect(succeed(9, at: 7, isProbe: true) == [.endpointMisconfigured])
        #expect(limit(at: 7) == 1, "slow start after it")
        // They failed in a hold, perhaps for the world's sake: one success does not make them all the guilty ones.
        #expect(refuse(1, at: 60) == .own)
        #expect(refuse(2, at: 61) == .open && refuse(3, at: 62) == .open)
        #expect(gate.holds.isEmpty, "and they are no witnesses")
        _ = succeed(10, at: 71)
        #expect((2..<4).map { refuse($0, at: 360) } == [.own, .own], "refused on both sides of two successes")
        #expect(gate.holds.isEmpty)
        // What is new to it tells whether the world broke again.
        #expect(refuse(20, at: 361) == .own)
        guard case .standAside = refuse(21, at: 362) else { return #expect(Bool(false), "two since the success") }
    }

    @Test func inARoundTheUntriedComeFirstAndTheFailedLast() {
        gate.isFirstContact()
        _ = refuse(1, at: 0)
        advance(6)
        func rank(_ number: Int, _ account: String, at second: Double) -> Int? {
            gate.rank(JobID("j\(number)"), of: AccountID(account), at: at(second))
        }
        #expect(rank(1, "a1", at: 6) == nil, "it has failed, and others may still come")
        #expect(rank(1, "a1", at: 7) == 2, "nobody came")
        #expect(rank(2, "a2", at: 6) == 0)
        gate.chose(AccountID("a2"), at: at(6))
        _ = refuse(2, at: 6, isProbe: true)
        #expect(rank(3, "a2", at: 6) == 1 && rank(3, "a3", at: 6) == 0)
        #expect(rank(1, "a1", at: 8) == nil, "one was tried in this round")
        #expect(gate.isInTheWay(JobID("j1")) && gate.isInTheWay(JobID("j2")) && !gate.isInTheWay(JobID("j3")))
    }

    @Test func aRoundWaitsForItsFirstJobAndNotForASecond() {
        gate.isFirstContact()
        _ = refuse(1, at: 0)
        advance(6)
        advance(500)
        #expect(gate.isProbing, "nothing came to be tried")
        gate.chose(AccountID("a2"), at: at(500))
        _ = refuse(2, at: 500, isProbe: true)
        advance(500.9)
        #expect(gate.isProbing)
        advance(501.5, hasUntried: true)
        #expect(gate.isProbing, "that the worker is slow is no sign that nothing is left")
        advance(502)
        #expect(!gate.isProbing)
    }

    @Test func aHoldThatComesBackSoonGoesOnWhereItWas() {
        gate.isFirstContact()
        _ = refuse(1, at: 0)
        advance(6)
        for number in 2..<10 { _ = refuse(number, at: 6, isProbe: true) }
        advance(6)
        advance(40)
        #expect(succeed(10, at: 40, isProbe: true) == [.endpointMisconfigured])
        _ = refuse(20, at: 41)
        _ = refuse(21, at: 42)
        #expect((30.0...33.1).contains((nextRound(after: 42) ?? 0) - 42))
        advance(80)
        _ = succeed(22, at: 80, isProbe: true)
        _ = refuse(23, at: 690)
        _ = refuse(24, at: 691)
        #expect((5.0...5.6).contains((nextRound(after: 691) ?? 0) - 691), "ten minutes later it is another one")
    }

    @Test func anOperatorBeginsARoundAtOnceThatCountsForNone() {
        gate.isFirstContact()
        _ = refuse(1, at: 0)
        let isTested = gate.probeNow(at: at(1), wall: wall)
        #expect(isTested)
        advance(1)
        for number in 2..<10 {
            #expect(gate.isProbing)
            _ = refuse(number, at: 1, isProbe: true)
            advance(1)
        }
        #expect(!gate.isProbing)
        #expect((5.0...5.6).contains((nextRound(after: 1) ?? 0) - 1))
    }

    @Test func refusalsInFlightDoNotPutTheRoundOff() {
        gate.isFirstContact()
        _ = refuse(1, at: 0)
        let round = nextRound(after: 0)
        _ = refuse(2, at: 1)
        #expect(nextRound(after: 1) == round)
    }

    @Test func aJobThatFailedBesideTwoSuccessesSpendsItsAttemptsAndTestsNoHold() {
        func fail(_ gate: inout Gate, at second: Double) -> Gate.Classification {
            gate.failed(.serverFault, call(1, at: second), detail: "503", at: at(second), wall: wall).classification
        }
        _ = fail(&gate, at: 0)
        _ = succeed(2, at: 1)
        _ = fail(&gate, at: 2)
        _ = succeed(3, at: 3)
        for number in 10..<15 {
            _ = gate.failed(
                .serverFault, call(number, at: 4), detail: "503", at: at(4), wall: wall)
        }
        #expect(gate.holds[.apiUnavailable] != nil)
        #expect(fail(&gate, at: 5) == .own, "also in a hold")
        advance(11)
        #expect(gate.rank(JobID("j1"), of: AccountID("a1"), at: at(11)) == nil)
        #expect(gate.rank(JobID("j1"), of: AccountID("a1"), at: at(20)) == 3, "the last of all, where nothing else is")
        #expect(gate.rank(JobID("j10"), of: AccountID("a10"), at: at(20)) == 2)
    }

    /// An operator's pause is nobody's to test.
    @Test func aPauseEndsTheRoundThatIsOn() {
        gate.isFirstContact()
        _ = refuse(1, at: 0)
        advance(6)
        #expect(gate.isProbing && limit(at: 6) == 1)
        _ = gate.hold(.operatorPaused, detail: "paused", at: at(6), wall: wall)
        advance(7)
        #expect(!gate.isProbing && limit(at: 7) == 0)
        let gone = gate.lift(.operatorPaused)
        #expect(gone != nil)
        advance(8)
        #expect(gate.isProbing, "its time has come")
    }

    /// The server fails for it, or it fails for the server: no other account was called, so that nobody can tell.
    @Test func anAccountThatIsAloneWithItsFailuresWaitsAndSpendsNothing() {
        func fail(_ number: Int, _ account: String = "ann") -> Gate.Consequence {
            gate.failed(
                .serverFault, call(number, account: account, at: 1), detail: "503", at: at(1), wall: wall)
        }
        let first = (0..<4).map { fail($0).classification }
        #expect(first == Array(repeating: .own, count: 4))
        let fifth = fail(4)
        #expect(fifth.wait?.cause == .failing && fifth.wait?.time == .seconds(30))
        guard case .standAside = fifth.classification else { return #expect(Bool(false), "it costs no attempt") }
        let next = (5..<13).map { fail($0) }
        #expect(next.allSatisfy { if case .standAside = $0.classification { true } else { false } })
        #expect(next.compactMap { $0.wait?.time } == [.seconds(60)], "after eight of its jobs")
        #expect(gate.holds.isEmpty)
        // Another account's call is made: whose fault it is will show.
        let freed = gate.callBegan(AccountID("bob"), at: at(2))
        #expect(freed == [AccountID("ann")])
    }

    /// One word is enough, but not again and again against the successes of all others.
    @Test func aJobThatSaysTheDayIsOverBesideSuccessesHoldsNobody() {
        func say(at second: Double) -> Bool {
            gate.hold(.quotaDay, detail: "per day", by: call(1, at: second), at: at(second), wall: wall)
        }
        for second in [0.0, 10] {
            #expect(say(at: second))
            #expect(gate.isInTheWay(JobID("j1")), "another job is asked next")
            let isTested = gate.probeNow(at: at(second + 1), wall: wall)
            #expect(isTested)
            advance(second + 1)
            #expect(succeed(2, at: second + 2, isProbe: true) == [.quotaDay])
        }
        #expect(!say(at: 20))
        #expect(gate.holds.isEmpty)
    }

    // MARK: What lifts what

    @Test func aSuccessOfACallFromBeforeLiftsNothing() {
        gate.isFirstContact()
        _ = refuse(1, at: 0)
        #expect(succeed(2, at: 1) == [])
        #expect(gate.holds[.endpointMisconfigured] != nil)
    }

    @Test func aHoldThatAnEventEndsIsNotProbed() {
        _ = gate.hold(.brokerBlocked, detail: "", at: at(0), wall: wall)
        #expect(gate.nextCheck(at: at(0)) == nil)
        #expect(gate.keepsDeliveries(at: at(0)), "what cannot be published is not handed back")
        let lifted = (0..<2).map { _ in gate.lift(.brokerBlocked)?.cause }
        #expect(lifted == [.brokerBlocked, nil])
        let limit = gate.limit(at: at(0))
        #expect(limit == 1)
    }

    @Test func aShortHoldKeepsItsDeliveriesAndALongOneDoesNot() {
        _ = gate.hold(.apiUnavailable, detail: "", at: at(0), wall: wall)
        #expect(gate.keepsDeliveries(at: at(0)))
        _ = gate.hold(.quotaDay, detail: "", atLeast: .seconds(3_600), at: at(0), wall: wall)
        #expect(!gate.keepsDeliveries(at: at(0)))
    }

    // MARK: Tokens

    @Test func aFaultyClientIsTwoAccountsOrOneWhereNoTokenCame() {
        func without(_ gate: inout Gate, _ number: Int, at second: Double) -> Gate.Classification {
            gate.tokenRequestRefused(
                call(number, at: second), isMisconfigured: true, detail: "invalid_client", at: at(second), wall: wall
            ).classification
        }
        gate.tokenObtained(call(1, at: 0), at: at(0))
        #expect(without(&gate, 2, at: 1) == .own)
        #expect(gate.holds.isEmpty)
        guard case .standAside = without(&gate, 3, at: 2) else { return #expect(Bool(false), "the second account") }
        #expect(gate.holds.keys.map(\.self) == [.clientMisconfigured])
        var other = Gate(concurrency: 1)
        guard case .standAside = without(&other, 2, at: 1) else { return #expect(Bool(false), "no token ever came") }
    }
}
