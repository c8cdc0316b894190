import Clocks
import Jobs
import Ledger
import Testing

@testable import Pipeline

/// Holds of a cluster, their one probe and the start after them, as transcripts of three members.
@Suite final class SharedGateTests {
    private var shared = SharedGates(3)

    @Test("what one meets holds it at once, and the others when they hear of it")
    func engaged() {
        shared.exchange(at: 0)
        shared.refuse(0, 1, at: 0)
        #expect(shared.holding == [true, false, false])
        shared.exchange(at: 1)
        #expect(shared.holding == [true, true, true])
        #expect(Set(shared.gates.map { $0.holds[.apiDisabled]?.nextProbeAt }).count == 1)
        #expect(Set(shared.gates.map { $0.holds[.apiDisabled]?.since }) == [SharedGates.wall(0)])
    }

    @Test(
        "what is a member's own holds nobody else", arguments: [HoldCause.tlsTrust, .brokerBlocked, .ledgerUnavailable])
    func own(cause: HoldCause) {
        shared.exchange(at: 0)
        _ = shared.gates[0].hold(cause, detail: "d", at: SharedGates.now(0), wall: SharedGates.wall(0))
        shared.exchange(at: 1)
        #expect(shared.holding == [true, false, false])
        #expect(shared.state.holds.isEmpty)
    }

    @Test("one member tests, the others are silent, and its success ends the hold for all when it is written")
    func oneProbes() {
        shared.holdAll()
        for member in 0..<3 { shared.advance(member, hasUntried: true, at: 5.6) }
        #expect(shared.probing == [false, false, false], "nobody has asked yet")
        shared.exchange(at: 5.6)
        #expect(shared.probing == [true, false, false] && shared.limits(at: 5.6) == [1, 0, 0])
        shared.succeed(0, 2, at: 6, isProbe: true)
        #expect(shared.holding == [true, true, true], "not written yet")
        shared.write(0, at: 6)
        #expect(shared.holding == [false, true, true])
        shared.adopt(1, at: 6.5)
        shared.adopt(2, at: 6.5)
        #expect(shared.holding == [false, false, false])
    }

    @Test("after a hold the one that tested it calls first, and the others when it has a call for each of them")
    func start() {
        shared.holdAll()
        shared.advance(0, hasUntried: true, at: 5.6)
        shared.exchange(at: 5.6)
        shared.succeed(0, 2, at: 6, isProbe: true)
        shared.exchange(at: 6)
        #expect(shared.limits(at: 6) == [1, 0, 0])
        shared.succeed(0, 3, at: 6.1)
        shared.exchange(at: 6.1)
        #expect(shared.limits(at: 6.1) == [2, 0, 0])
        shared.succeed(0, 4, at: 6.2)
        shared.exchange(at: 6.2)
        #expect(shared.limits(at: 6.2) == [4, 1, 1])
    }

    @Test("if the one that calls first is never heard of again, the others begin after its time")
    func lostFirstCaller() {
        shared.holdAll()
        shared.advance(0, hasUntried: true, at: 5.6)
        shared.exchange(at: 5.6)
        shared.succeed(0, 2, at: 6, isProbe: true)
        shared.exchange(at: 6)
        #expect(shared.limits(at: 10.999) == [1, 0, 0])
        #expect(shared.checks(at: 10.999)[1] == 11, "nobody has to wake it")
        #expect(shared.limits(at: 11) == [1, 1, 1])
    }

    @Test("who has no job to test with leaves the turn to others for a second")
    func withoutJob() {
        shared.holdAll()
        shared.advance(0, hasUntried: false, at: 5.6)
        shared.exchange(at: 5.6)
        #expect(shared.probing == [false, false, false])
        shared.advance(1, hasUntried: true, at: 5.7)
        shared.exchange(at: 5.7)
        #expect(shared.probing == [false, true, false])
    }

    @Test("where nobody has one, somebody asks after the second, to take one from the broker")
    func nobodyHasAJob() throws {
        shared.holdAll()
        shared.advance(2, hasUntried: false, at: 5.6)
        let check = try #require(shared.checks(at: 5.6)[2])
        #expect(check >= 6 && check <= 6.5)
        shared.advance(2, hasUntried: false, at: check + 0.001)
        shared.exchange(at: check + 0.001)
        #expect(shared.probing == [false, false, true])
    }

    @Test("a turn in which nothing came to be tried runs out, and another has the next")
    func lapsed() {
        shared.holdAll()
        shared.advance(0, hasUntried: true, at: 5.6)
        shared.exchange(at: 5.6)
        shared.advance(1, hasUntried: true, at: 10.6)
        shared.exchange(at: 10.6)
        #expect(shared.probing == [true, false, false], "it still stands")
        shared.advance(0, hasUntried: false, at: 10.7)
        shared.advance(1, hasUntried: true, at: 10.7)
        #expect(shared.probing == [false, false, false])
        shared.exchange(at: 10.7)
        #expect(shared.probing == [false, true, false])
    }

    @Test("the word of a probe whose turn is over lifts nothing, here or there")
    func late() {
        shared.holdAll()
        shared.advance(0, hasUntried: true, at: 5.6)
        shared.exchange(at: 5.6)
        shared.advance(1, hasUntried: true, at: 10.7)
        shared.write(1, at: 10.7)
        // It does not know yet that its turn is over.
        shared.succeed(0, 2, at: 11, isProbe: true)
        shared.exchange(at: 11)
        #expect(shared.holding == [true, true, true] && shared.probing == [false, true, false])
        shared.succeed(0, 2, at: 11.5, isProbe: true)
        shared.exchange(at: 11.5)
        #expect(shared.holding == [true, true, true])
    }

    @Test("what a member says of a hold is not undone by what it hears of before")
    func stale() {
        shared.exchange(at: 0)
        let before = shared.state
        shared.refuse(0, 1, at: 1)
        _ = shared.gates[0].adopt(
            ClusterNews(state: before, alive: [1, 2, 3], member: 1), at: SharedGates.now(1), wall: SharedGates.wall(1))
        #expect(shared.holding == [true, false, false])
        let changes = shared.gates[0].takeClusterChanges()
        _ = shared.gates[0].adopt(
            ClusterNews(state: before, alive: [1, 2, 3], member: 1), at: SharedGates.now(1), wall: SharedGates.wall(1))
        #expect(shared.holding == [true, false, false], "it is on its way")
        #expect(changes.count == 1)
    }

    @Test("after a round in vain all wait for the same next one, which another may have")
    func nextRound() throws {
        shared.holdAll()
        shared.advance(0, hasUntried: true, at: 5.6)
        shared.exchange(at: 5.6)
        shared.gates[0].chose(AccountID("a2"), at: SharedGates.now(6))
        shared.refuse(0, 2, at: 6, isProbe: true)
        shared.advance(0, hasUntried: true, at: 6)
        shared.exchange(at: 6)
        #expect(shared.probing == [false, false, false])
        let rounds = Set(shared.gates.map { $0.holds[.apiDisabled]?.nextProbeAt })
        let next = try #require(rounds.first.flatMap { $0 })
        #expect(rounds.count == 1 && next >= SharedGates.wall(36))
        #expect(shared.gates.map { $0.holds[.apiDisabled]?.refusedProbes } == [1, 1, 1])
        shared.advance(2, hasUntried: true, at: 45)
        shared.exchange(at: 45)
        #expect(shared.probing == [false, false, true])
    }

    @Test("an operator's word at one member is a round at one, and a pause and its end are everybody's")
    func operators() {
        shared.holdAll()
        let isProbing = shared.gates[2].probeNow(at: SharedGates.now(1), wall: SharedGates.wall(1))
        #expect(isProbing)
        shared.exchange(at: 1)
        #expect(shared.probing == [false, false, true])
        _ = shared.gates[1].hold(.operatorPaused, detail: "p", at: SharedGates.now(2), wall: SharedGates.wall(2))
        shared.exchange(at: 2)
        #expect(shared.probing == [false, false, false], "not even a probe calls")
        #expect(shared.gates.map { $0.holds[.operatorPaused] != nil } == [true, true, true])
        for _ in 0..<2 {
            let lifted = shared.gates[0].lift(.operatorPaused)
            #expect(lifted == nil, "not before it is written")
        }
        shared.exchange(at: 3)
        #expect(shared.gates.map { $0.holds[.operatorPaused] != nil } == [false, false, false])
        #expect(shared.holding == [true, true, true])
    }

    @Test("what only the member that met it takes back is over when that one is not alive any more")
    func orphan() {
        shared.exchange(at: 0)
        for cause in [HoldCause.resultsFull, .operatorPaused] {
            _ = shared.gates[0].hold(cause, detail: "d", at: SharedGates.now(1), wall: SharedGates.wall(1))
        }
        shared.exchange(at: 1)
        shared.exchange(at: 2)
        #expect(shared.gates[1].holds.count == 2)
        shared.alive = [2, 3]
        shared.adopt(1, at: 20)
        shared.write(1, at: 20)
        shared.adopt(2, at: 20)
        #expect(shared.gates[1].holds.keys.map { $0 } == [.operatorPaused], "an operator's word stays")
        #expect(shared.gates[2].holds.keys.map { $0 } == [.operatorPaused])
    }

    @Test("a fault of the member itself ends its round, and gives the turn to another")
    func ownFault() {
        shared.holdAll()
        shared.advance(0, hasUntried: true, at: 5.6)
        shared.exchange(at: 5.6)
        _ = shared.gates[0].hold(
            .brokerBlocked, detail: "b", at: SharedGates.now(6), wall: SharedGates.wall(6))
        #expect(shared.probing == [false, false, false])
        shared.exchange(at: 6)
        shared.advance(1, hasUntried: true, at: 6)
        shared.exchange(at: 6)
        #expect(shared.probing == [false, true, false])
    }

    // MARK: Evidence

    private static let five = RefusalClassifier.Kind(cause: .apiRetired, threshold: 5)

    private func refuse(_ member: Int, _ number: Int, at second: Double) {
        _ = shared.gates[member].refused(
            shared.call(number, at: second), Self.five, detail: "403", at: SharedGates.now(second),
            wall: SharedGates.wall(second))
        shared.exchange(at: second)
    }

    private func fail(_ member: Int, _ number: Int, at second: Double) {
        _ = shared.gates[member].failed(
            .serverFault, shared.call(number, at: second), detail: "503", at: SharedGates.now(second),
            wall: SharedGates.wall(second))
        shared.exchange(at: second)
    }

    @Test("five accounts that are refused are five of all members, and their refusals one hold")
    func fiveAccounts() {
        shared.exchange(at: 0)
        for number in 0..<4 { refuse(number % 3, number, at: Double(number)) }
        #expect(shared.holding == [false, false, false] && shared.state.evidence.count == 4)
        refuse(1, 3, at: 4)
        #expect(shared.holding == [false, false, false], "the fourth again")
        refuse(2, 5, at: 5)
        #expect(shared.gates.map { $0.holds[.apiRetired]?.threshold } == [5, 5, 5])
        #expect(shared.state.evidence.isEmpty)
    }

    @Test("a success of any member speaks for the API, and what was refused before it counts no more")
    func proof() {
        shared.exchange(at: 0)
        for number in 0..<4 { refuse(number % 3, number, at: Double(number)) }
        shared.succeed(2, 10, at: 4)
        shared.exchange(at: 4)
        #expect(shared.state.evidence.isEmpty)
        let version = shared.state.version
        shared.succeed(1, 11, at: 5)
        shared.succeed(2, 12, at: 5)
        shared.exchange(at: 5)
        #expect(shared.state.version == version, "nothing is written while all is well")
        refuse(1, 20, at: 6)
        #expect(shared.holding == [false, false, false])
    }

    @Test("five failures in a row open the breaker for all, wherever they were met")
    func breaker() {
        shared.exchange(at: 0)
        for number in 0..<4 { fail(number % 3, number, at: Double(number)) }
        #expect(shared.holding == [false, false, false])
        fail(1, 4, at: 4)
        #expect(shared.gates.map { $0.holds[.apiUnavailable] != nil } == [true, true, true])
    }

    @Test("an answer that is heard by any member ends the row of failures")
    func heard() {
        shared.exchange(at: 0)
        for number in 0..<4 { fail(number % 3, number, at: Double(number)) }
        _ = shared.gates[0].answered(.understood, shared.call(9, at: 4), at: SharedGates.now(4))
        shared.exchange(at: 4)
        #expect(shared.state.evidence.isEmpty)
        fail(1, 5, at: 5)
        #expect(shared.holding == [false, false, false])
    }

    @Test("failures of one account are no word on the others")
    func oneAccount() {
        shared.exchange(at: 0)
        for number in 0..<8 {
            _ = shared.gates[number % 2].failed(
                .serverFault,
                Gate.Call(job: JobID("j\(number)"), account: AccountID("ann"), began: SharedGates.now(Double(number))),
                detail: "503", at: SharedGates.now(Double(number)), wall: SharedGates.wall(Double(number)))
            shared.exchange(at: Double(number))
        }
        #expect(shared.holding == [false, false, false])
    }

    @Test("too many calls for one are too many for all")
    func throttled() {
        shared.exchange(at: 0)
        for member in 0..<3 {
            for number in 0..<6 { shared.succeed(member, number, at: 0) }
        }
        #expect(shared.limits(at: 0) == [32, 32, 32])
        for number in 10..<12 {
            _ = shared.gates[0].throttled(
                shared.call(number, at: 1), .init(cause: .rateLimited, threshold: 2), atLeast: nil, detail: "429",
                at: SharedGates.now(1), wall: SharedGates.wall(1))
        }
        shared.exchange(at: 1)
        #expect(shared.holding == [true, true, true])
        shared.advance(0, hasUntried: true, at: 40)
        shared.exchange(at: 40)
        shared.succeed(0, 20, at: 40, isProbe: true)
        shared.exchange(at: 40)
        for member in 0..<3 {
            for number in 0..<6 { shared.succeed(member, number, at: 50) }
        }
        let limits = shared.limits(at: 50)
        #expect(limits.allSatisfy { $0 <= 18 }, "half, and slowly more: \(limits)")
    }
}
