import Clocks
import Jobs
import Ledger
import Testing

@testable import Pipeline

/// Three gates over one shared state, one of which an operator has paused by its name.
@Suite final class PausedMemberGateTests {
    private var shared = SharedGates(3)

    @Test("a pause of one name holds who bears it, which lets its turn go, and nobody else")
    func pausedMember() {
        shared.holdAll()
        shared.advance(1, hasUntried: true, at: 31)
        shared.exchange(at: 31)
        #expect(shared.probing == [false, true, false])
        shared.gates[0].pause(member: "m2", detail: "by me", wall: SharedGates.wall(32))
        #expect(shared.gates[1].holds[.memberPaused] == nil, "it has not heard of it")
        shared.exchange(at: 32)
        #expect(shared.gates.map { $0.holds[.memberPaused]?.detail } == [nil, "by me", nil])
        #expect(shared.probing == [false, false, false])
        shared.exchange(at: 33)
        shared.advance(2, hasUntried: true, at: 34)
        shared.exchange(at: 34)
        #expect(shared.probing == [false, false, true], "another one tests what is everybody's")
        #expect(shared.gates.map(\.pausedMembers) == [["m2"], ["m2"], ["m2"]])
    }

    @Test("at a member that is paused alone an operator's probe is the others', and they hear of it")
    func probeAtPausedMember() {
        shared.holdAll()
        shared.gates[0].pause(member: "m1", detail: "d", wall: SharedGates.wall(1))
        shared.exchange(at: 1)
        let isProbing = shared.gates[0].probeNow(at: SharedGates.now(2), wall: SharedGates.wall(2))
        #expect(isProbing)
        shared.exchange(at: 2)
        #expect(shared.state.turn == nil, "it asks for no turn that it has no use for")
        shared.advance(1, hasUntried: true, at: 2)
        shared.exchange(at: 2)
        #expect(shared.probing == [false, true, false])
    }

    @Test("a pause of one name ends by any member's word, also by that of the one that is paused")
    func resumedMember() {
        for (resumer, byCause) in [(2, false), (1, true)] {
            shared.gates[0].pause(member: "m2", detail: "d", wall: SharedGates.wall(1))
            shared.exchange(at: 1)
            #expect(shared.holding == [false, true, false])
            if byCause {
                let lifted = shared.gates[resumer].lift(.memberPaused)
                #expect(lifted == nil, "not before it is written")
            } else {
                let wasPaused = shared.gates[resumer].resume(member: "m2")
                #expect(wasPaused)
            }
            shared.exchange(at: 2)
            #expect(shared.holding == [false, false, false] && shared.state.pausedMembers.isEmpty)
        }
        let wasPaused = shared.gates[0].resume(member: "m2")
        #expect(!wasPaused)
    }

    @Test("its part of the calls a second is the others' until it is resumed")
    func partOfPausedMember() {
        for member in shared.gates.indices { shared.gates[member].dividesRate(true) }
        // A part is asked for once a second, and is there when the others have left it.
        for second in stride(from: 0.0, to: 12, by: 2) { shared.exchange(at: second) }
        #expect(shared.gates.map(\.rateDivisor) == [3, 3, 3])
        shared.gates[0].pause(member: "m2", detail: "d", wall: SharedGates.wall(20))
        shared.write(0, at: 20)
        shared.adopt(1, at: 20)
        #expect(shared.gates.map(\.rateDivisor) == [3, 0, 3], "it calls no more before it says so")
        for second in stride(from: 20.0, to: 32, by: 2) {
            shared.exchange(at: second)
            #expect(shared.partsOfAll <= 1 + 1e-9)
        }
        #expect(shared.gates.map(\.rateDivisor) == [2, 0, 2])
        _ = shared.gates[2].resume(member: "m2")
        for second in stride(from: 40.0, to: 60, by: 2) {
            shared.exchange(at: second)
            #expect(shared.partsOfAll <= 1 + 1e-9)
        }
        #expect(shared.gates.map(\.rateDivisor) == [3, 3, 3])
    }

    @Test("who is paused from its start on, or joins anew while it is, takes no part from anybody")
    func pausedFromTheStart() {
        for member in shared.gates.indices { shared.gates[member].dividesRate(true) }
        shared.gates[0].pause(member: "m3", detail: "d", wall: SharedGates.wall(0))
        for second in stride(from: 0.0, to: 12, by: 2) { shared.exchange(at: second) }
        #expect(shared.gates.map(\.rateDivisor) == [2, 2, 0])
    }
}

extension SharedGates {
    /// What the members keep to, of the whole.
    fileprivate var partsOfAll: Double {
        gates.compactMap(\.rateDivisor).reduce(0) { $0 + ($1 > 0 ? 1 / Double($1) : 0) }
    }
}
