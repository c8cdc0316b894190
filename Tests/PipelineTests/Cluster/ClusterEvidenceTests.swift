import Clocks
import Jobs
import Ledger
import Testing

@testable import Pipeline

/// What speaks against the API for all members, where calls come faster than what is said of them is written.
@Suite final class ClusterEvidenceTests {
    private var shared = SharedGates(3)

    private func fail(_ member: Int, _ number: Int, _ sign: CircuitBreaker.Sign = .serverFault, isRefusal: Bool = false)
    {
        _ = shared.gates[member].failed(
            sign, shared.call(number, at: 1), isRefusal: isRefusal, detail: "5xx", at: SharedGates.now(1),
            wall: SharedGates.wall(1))
    }

    @Test("a failure that a success follows before anybody was told is said to nobody")
    func unsaid() {
        shared.exchange(at: 0)
        let version = shared.state.version
        for number in 0..<12 {
            fail(number % 3, number)
            shared.succeed(number % 3, 100 + number, at: 1)
        }
        #expect(shared.gates.allSatisfy { !$0.hasClusterChanges })
        shared.exchange(at: 1)
        #expect(shared.holding == [false, false, false] && shared.state.version == version)
    }

    @Test("a success that comes while its member's failure is being written speaks against it")
    func beingWritten() {
        shared.exchange(at: 0)
        for number in 0..<12 {
            fail(number % 3, number)
            let said = shared.gates[number % 3].takeClusterChanges()
            shared.succeed(number % 3, 100 + number, at: 1)
            for change in said + shared.gates[number % 3].takeClusterChanges() {
                _ = shared.state.apply(
                    change, by: Int64(number % 3 + 1), alive: shared.alive, turnTime: SharedGates.turnTime,
                    at: SharedGates.wall(1))
                shared.gates[number % 3].answeredChange()
            }
            #expect(shared.state.evidence.isEmpty)
        }
        shared.exchange(at: 1)
        #expect(shared.holding == [false, false, false])
    }

    @Test("failures that no success of their members follows are said, and are a row of all")
    func inARow() {
        shared.exchange(at: 0)
        shared.succeed(0, 100, at: 1)
        for number in 0..<5 { fail(number % 3, number) }
        shared.exchange(at: 1)
        #expect(shared.gates.map { $0.holds[.apiUnavailable] != nil } == [true, true, true])
    }

    @Test("whoever answers that it is not the time is there, and speaks against failures as any answer does")
    func answered() {
        shared.exchange(at: 0)
        for number in 0..<8 { fail(number % 3, number, .healthy, isRefusal: true) }
        shared.exchange(at: 1)
        #expect(shared.holding == [false, false, false] && shared.state.evidence.isEmpty)
        for number in 10..<14 { fail(number % 3, number) }
        shared.exchange(at: 1)
        #expect(shared.state.evidence.count == 4)
        fail(0, 20, .healthy, isRefusal: true)
        shared.exchange(at: 1)
        #expect(shared.state.evidence.isEmpty)
    }

    @Test("a refusal that a success follows before anybody was told is said to nobody either")
    func refusals() {
        shared.exchange(at: 0)
        for number in 0..<8 {
            _ = shared.gates[number % 3].refused(
                shared.call(number, at: 1), .init(cause: .apiRetired, threshold: 5), detail: "403",
                at: SharedGates.now(1), wall: SharedGates.wall(1))
            shared.succeed(number % 3, 100 + number, at: 1)
        }
        shared.exchange(at: 1)
        #expect(shared.holding == [false, false, false] && shared.state.evidence.isEmpty)
    }
}
