import Clocks
import Testing

@testable import Jobs
@testable import Pipeline

/// Calls whose send window was over before anything was sent, as transcripts.
@Suite struct LateCallTests {
    /// Calls after one another, each claimed at the tenth second and given up five later. What they raise.
    private func note(
        _ numbers: Range<Int>, _ reason: LateCalls.Reason = .connection, in calls: inout LateCalls
    ) -> [HoldCause?] {
        numbers.map { calls.note(reason, asked: at(Double($0) * 10), at: at(Double($0) * 10 + 5)) }
    }

    @Test func fiveInARowRaiseAHoldAndACallThatIsSentBeginsThemAnew() {
        var calls = LateCalls()
        let four = note(1..<5, in: &calls)
        calls.sent()
        let others = note(5..<9, in: &calls)
        #expect(four + others == Array(repeating: nil, count: 8) && !calls.isLasting)
        let fifth = note(9..<10, in: &calls)
        #expect(fifth == [.apiUnavailable] && calls.isLasting)
        calls.sent()
        #expect(!calls.isLasting)
    }

    /// A process that stood still was late with all that it was about to send, and that counts once.
    @Test func thoseThatWereUnderWayTogetherCountAsOne() {
        var calls = LateCalls()
        let together = (0..<32).map { calls.note(.connection, asked: at(1), at: at(60 + Double($0) / 100)) }
        let others = note(7..<10, in: &calls)
        #expect(together.allSatisfy { $0 == nil } && others == [nil, nil, nil])
        let fifth = note(10..<11, in: &calls)
        #expect(fifth == [.apiUnavailable])
    }

    @Test func theLedgerIsAtFaultIfItTookTheTimeOfMostOfThem() {
        for (claims, cause) in [(2, HoldCause.apiUnavailable), (3, .ledgerUnavailable), (5, .ledgerUnavailable)] {
            var calls = LateCalls()
            let raised = note(1..<(1 + claims), .claim, in: &calls) + note((1 + claims)..<6, in: &calls)
            #expect(raised.compactMap { $0 } == [cause])
        }
    }

    // MARK: What the gate makes of them

    private func wasLate(
        _ gate: inout Gate, _ number: Int, isProbe: Bool = false
    ) -> (classification: Gate.Classification, raised: HoldCause?) {
        let second = Double(number) * 10
        let call = Gate.Call(job: JobID("j"), account: AccountID("ann"), began: at(second + 1), isProbe: isProbe)
        let late = Gate.LateCall(call: call, reason: .connection, asked: at(second), detail: "it is slow")
        let (consequence, raised) = gate.wasLate(late, at: at(second + 6), wall: Timestamp(milliseconds: 1_000))
        return (consequence.classification, raised)
    }

    @Test func theyHoldTheWorkerUntilAProbeIsAnswered() {
        var gate = Gate(concurrency: 4)
        let first = (1...4).map { wasLate(&gate, $0).classification }
        #expect(first == [.own, .own, .own, .own])
        let (classification, raised) = wasLate(&gate, 5)
        #expect(classification == .waitOutHold && raised == .apiUnavailable)
        #expect(gate.holds[.apiUnavailable]?.detail.hasSuffix("the last: it is slow") == true)
        // A probe that is late as well ends its round.
        _ = gate.probeNow(at: at(70), wall: Timestamp(milliseconds: 1_000))
        gate.advance(isCalling: false, hasUntried: true, at: at(70), wall: Timestamp(milliseconds: 1_000))
        #expect(gate.isProbing)
        let late = wasLate(&gate, 7, isProbe: true).classification
        #expect(late == .waitOutHold)
        gate.advance(isCalling: false, hasUntried: true, at: at(77), wall: Timestamp(milliseconds: 1_000))
        #expect(!gate.isProbing && gate.holds[.apiUnavailable]?.refusedProbes == 1)
        _ = gate.probeNow(at: at(80), wall: Timestamp(milliseconds: 1_000))
        gate.advance(isCalling: false, hasUntried: true, at: at(80), wall: Timestamp(milliseconds: 1_000))
        let probe = Gate.Call(job: JobID("j"), account: AccountID("ann"), began: at(80), isProbe: true)
        let lifted = gate.answered(.refusal, probe, at: at(81)).lifted.map(\.cause)
        #expect(lifted == [.apiUnavailable])
        #expect(!gate.isHolding && !gate.lateCalls.isLasting)
    }

    @Test func anAnswerOfAnyKindBetweenThemIsProofThatCallsGetThrough() {
        var gate = Gate(concurrency: 4)
        for number in 1...20 {
            let raised = wasLate(&gate, number).raised
            #expect(raised == nil)
            guard number % 4 == 0 else { continue }
            let call = Gate.Call(job: JobID("k"), account: AccountID("bob"), began: at(0))
            if number % 8 == 0 {
                _ = gate.answered(.refusal, call, at: at(Double(number) * 10 + 7))
            } else {
                _ = gate.failed(
                    .serverFault, call, detail: "503", at: at(Double(number) * 10 + 7),
                    wall: Timestamp(milliseconds: 1_000))
            }
        }
        #expect(!gate.isHolding)
    }
}
