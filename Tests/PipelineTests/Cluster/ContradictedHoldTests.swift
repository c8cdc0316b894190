import Clocks
import Jobs
import Testing

@testable import Pipeline

/// Probes of a cluster that fail, and whose answer is itself the word that ends the hold: it is over when that is
/// written, which is after the probe's job was ruled on.
@Suite final class ContradictedHoldTests {
    private var shared = SharedGates(2)

    /// The first member has the turn to test a hold that any answer ends.
    private func beginProbing() {
        shared.exchange(at: 0)
        hold(.apiUnavailable)
        shared.exchange(at: 0)
        shared.advance(0, hasUntried: true, at: 5.6)
        shared.exchange(at: 5.6)
    }

    private func hold(_ cause: HoldCause) {
        _ = shared.gates[0].hold(cause, detail: "no", at: SharedGates.now(0), wall: SharedGates.wall(0))
    }

    /// The answer 409 to a call.
    private func abort(_ number: Int, at second: Double, isProbe: Bool = true) -> Gate.Classification {
        let call = shared.call(number, at: second, isProbe: isProbe)
        return shared.gates[0].failed(
            .healthy, call, isRefusal: true, detail: "409", at: SharedGates.now(second), wall: SharedGates.wall(second)
        ).classification
    }

    private func isPutAside(_ classification: Gate.Classification) -> Bool {
        if case .standAside = classification { true } else { false }
    }

    @Test("the job whose answer ends the hold has not failed in it, as where a worker is alone")
    func aborted() {
        beginProbing()
        #expect(abort(2, at: 6) == .own)
        #expect(shared.gates[0].isUntried(JobID("j2")) && shared.holding[0], "it is not written yet")
        shared.exchange(at: 6)
        #expect(shared.holding == [false, false])

        var alone = Gate(concurrency: 32)
        _ = alone.hold(.apiUnavailable, detail: "no", at: SharedGates.now(0), wall: SharedGates.wall(0))
        alone.advance(isCalling: false, hasUntried: true, at: SharedGates.now(5.6), wall: SharedGates.wall(5.6))
        let consequence = alone.failed(
            .healthy, shared.call(2, at: 6, isProbe: true), isRefusal: true, detail: "409", at: SharedGates.now(6),
            wall: SharedGates.wall(6))
        #expect(consequence.classification == .own && !alone.isHolding)
    }

    @Test("a refusal that ends the hold is weighed as one without a hold")
    func refused() {
        beginProbing()
        let consequence = shared.gates[0].refused(
            shared.call(2, at: 6, isProbe: true), .init(cause: .apiRetired, threshold: 5), detail: "403",
            at: SharedGates.now(6), wall: SharedGates.wall(6))
        #expect(consequence.classification == .open)
    }

    @Test("an account that is over its own rate, and whose answer ends the hold, waits alone")
    func throttled() {
        beginProbing()
        let consequence = shared.gates[0].throttled(
            shared.call(2, at: 6, isProbe: true), .init(cause: .rateLimited, threshold: 3), atLeast: nil, detail: "429",
            at: SharedGates.now(6), wall: SharedGates.wall(6))
        #expect(consequence.classification == .own)
    }

    @Test("what else fails before it is written has not failed in that hold either")
    func others() {
        beginProbing()
        _ = abort(2, at: 6)
        #expect(abort(3, at: 6.001, isProbe: false) == .own)
    }

    @Test("in another hold, of which the answer says nothing, it has failed")
    func twoHolds() {
        shared.exchange(at: 0)
        hold(.apiDisabled)
        beginProbing()
        #expect(isPutAside(abort(2, at: 6)))
        shared.exchange(at: 6)
        #expect(Set(shared.gates[0].holds.keys) == [.apiDisabled])
    }

    @Test("where the turn is another's by the time that it is written, the hold stands, and who fails then has failed")
    func tooLate() {
        beginProbing()
        // It has not looked at its clock since.
        #expect(abort(2, at: 10.9) == .own)
        shared.advance(1, hasUntried: true, at: 10.9)
        shared.write(1, at: 10.9)
        shared.exchange(at: 11)
        #expect(shared.holding == [true, true] && shared.probing == [false, true])
        #expect(isPutAside(abort(3, at: 11.1, isProbe: false)))
    }

    @Test("a turn that has run out takes its word along, whether anybody has said the contrary or not")
    func lapsed() {
        beginProbing()
        _ = abort(2, at: 10.5)
        shared.advance(0, hasUntried: true, at: 10.7)
        #expect(isPutAside(abort(3, at: 10.8, isProbe: false)))
    }
}
