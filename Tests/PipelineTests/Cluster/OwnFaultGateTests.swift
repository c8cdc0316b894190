import Clocks
import Jobs
import Ledger
import Testing

@testable import Pipeline

/// Holds for what may be one member's own fault, as transcripts of three members.
@Suite final class OwnFaultGateTests {
    private var shared = SharedGates(3)

    private func distrust(_ member: Int, _ number: Int, at second: Double, isProbe: Bool = false) {
        _ = shared.gates[member].hold(
            .tlsTrust, detail: "unknown CA", by: shared.call(number, at: second, isProbe: isProbe),
            at: SharedGates.now(second), wall: SharedGates.wall(second))
        shared.exchange(at: second)
    }

    private func endsWithIt(_ member: Int, _ number: Int, at second: Double) {
        shared.succeed(member, number, at: second, isProbe: true)
        shared.exchange(at: second)
    }

    @Test func aFaultOfTwoMembersHoldsAllAndOneProbeEndsIt() {
        shared.exchange(at: 0)
        distrust(0, 1, at: 0)
        distrust(1, 2, at: 1)
        #expect(shared.holding == [true, true, false], "each for itself")
        // Its own round, which needs no turn.
        shared.advance(0, hasUntried: true, at: 6)
        #expect(shared.probing == [true, false, false])
        distrust(0, 3, at: 6, isProbe: true)
        #expect(shared.holding == [true, true, true])
        shared.advance(2, hasUntried: true, at: 100)
        shared.exchange(at: 100)
        #expect(shared.probing == [false, false, true], "one at a time from now on")
        endsWithIt(2, 4, at: 101)
        #expect(shared.holding == [false, false, false])
    }

    @Test func aFaultOfTwoMembersIsTheirOwnWhileAThirdSucceeds() {
        shared.exchange(at: 0)
        distrust(0, 1, at: 0)
        shared.succeed(2, 2, at: 1)
        shared.exchange(at: 1)
        #expect(shared.state.met.isEmpty)
        distrust(1, 3, at: 10)
        #expect(shared.holding == [true, true, false])
        shared.advance(1, hasUntried: true, at: 16)
        endsWithIt(1, 4, at: 16)
        #expect(shared.holding == [true, false, false], "each ends its own")
    }

    private func late(_ member: Int, _ number: Int, at second: Double) {
        let call = shared.call(number, at: second)
        _ = shared.gates[member].wasLate(
            Gate.LateCall(
                call: call, reason: .connection, asked: SharedGates.now(second - 0.4), detail: "no connection"),
            at: SharedGates.now(second), wall: SharedGates.wall(second))
        shared.exchange(at: second)
    }

    /// One host has a slow way to the API.
    @Test func lateCallsOfOneMemberHoldNobodyWhileAnotherOneSucceeds() {
        shared.exchange(at: 0)
        for number in 1...9 {
            late(0, number, at: Double(number))
            shared.succeed(1, 100 + number, at: Double(number) + 0.2)
            shared.exchange(at: Double(number) + 0.2)
        }
        #expect(shared.holding == [false, false, false])
        for number in 21...25 { late(0, number, at: Double(number)) }
        #expect(shared.gates.map { $0.holds[.apiUnavailable] != nil } == [true, true, true], "nobody gets through")
    }

    @Test func callsThatWereLateTogetherAreOne() {
        shared.exchange(at: 0)
        let asked = SharedGates.now(1)
        for number in 1...9 {
            let call = shared.call(number, at: 1)
            _ = shared.gates[0].wasLate(
                Gate.LateCall(call: call, reason: .connection, asked: asked, detail: "it stood still"),
                at: SharedGates.now(60), wall: SharedGates.wall(60))
            shared.exchange(at: 60)
        }
        #expect(shared.holding == [false, false, false] && shared.state.evidence.count == 1)
    }
}
