import Clocks
import Testing

@testable import Jobs
@testable import Pipeline

/// The rows of the holds, by what they have in common. What lifts them is in `GateTests`.
@Suite struct HoldPolicyTests {
    private func causes(_ isMeant: (HoldPolicy) -> Bool) -> Set<HoldCause> {
        Set(HoldCause.allCases.filter { isMeant(.of($0)) })
    }

    @Test("Events and operators end what no job can test")
    func probes() {
        #expect(
            causes { $0.probe == nil } == [
                .brokerBlocked, .resultsUnroutable, .resultsFull, .deadFull, .ledgerUnavailable, .operatorPaused,
            ])
    }

    @Test("What an operator cannot end, and what cannot be given back")
    func operators() {
        #expect(causes { !$0.isResumable } == [.brokerBlocked, .ledgerUnavailable])
        #expect(causes { !$0.permitsRelease } == [.brokerBlocked])
    }

    @Test("A person's faults and a pause outlive a restart, the day's quota until the next day, the others do not")
    func restarts() {
        #expect(
            causes { $0.afterRestart == .standsAgain } == [
                .apiRetired, .apiDisabled, .projectBlocked, .endpointMisconfigured, .clientMisconfigured,
                .clientFaulty, .tlsTrust, .operatorPaused,
            ])
        #expect(causes { $0.afterRestart == .standsUntilNextDay } == [.quotaDay])
    }

    @Test("The first round after a restart")
    func waits() {
        let now = Timestamp(milliseconds: 1_000_000)
        func wait(_ cause: HoldCause, dayEnd: Duration) -> Duration? {
            HoldPolicy.of(cause).waitAfterRestart(dayEnd: now + dayEnd, lateness: .seconds(7), at: now)
        }
        #expect(wait(.apiRetired, dayEnd: .seconds(60)) == .zero)
        #expect(wait(.operatorPaused, dayEnd: .seconds(-60)) == .zero)
        #expect(wait(.quotaDay, dayEnd: .seconds(60)) == .seconds(67))
        #expect(wait(.quotaDay, dayEnd: .zero) == nil)
        #expect(wait(.apiUnavailable, dayEnd: .seconds(60)) == nil)
    }
}
