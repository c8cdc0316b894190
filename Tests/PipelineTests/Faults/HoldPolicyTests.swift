import Clocks
import RepositoryFiles
import Testing

@testable import Jobs
@testable import Pipeline

/// The rows of the holds: what operators read of them is what they do.
@Suite struct HoldPolicyTests {
    private func causes(_ isMeant: (HoldPolicy) -> Bool) -> Set<HoldCause> {
        Set(HoldCause.allCases.filter { isMeant(.of($0)) })
    }

    /// A hold, what tests it, what lifts it, and what a restart makes of it.
    private func promised() throws -> [[String]] {
        try RepositoryFile.table(
            of: "docs/incidents/README.md", under: "| hold | tested by | lifted by | after a restart | in a cluster |")
    }

    private static let lifting: [Set<HoldPolicy.Word>: String] = [
        Set(HoldPolicy.Word.allCases): "any answer",
        Set(HoldPolicy.Word.allCases).subtracting([.throttled]): "any answer but too many calls",
        Set(HoldPolicy.Word.allCases).subtracting([.throttled, .refusal]): "any answer but a refusal",
        [.success, .understood]: "an answer to a call",
    ]

    private func restart(_ policy: HoldPolicy) -> String {
        switch policy.afterRestart {
        case .standsAgain: "stands"
        case .standsUntilNextDay: "stands until the next day"
        case .ends: "ends"
        }
    }

    @Test("Each hold is what operators read of it, and no other is on their page")
    func page() throws {
        let promised = try promised()
        for cells in promised {
            try #require(cells.count == 5, "\(cells)")
            let cause = try #require(HoldCause(rawValue: cells[0].filter { $0 != "`" }), "\(cells)")
            let policy = HoldPolicy.of(cause)
            let isTested = policy.probe != nil
            #expect(cells[1] == (isTested ? "jobs" : "–"), "\(cause)")
            let lifting =
                isTested
                ? Self.lifting[policy.liftedBy] : policy.isResumable ? "its cause, or `resume`" : "its cause alone"
            #expect(cells[2] == lifting, "\(cause)")
            #expect(isTested ? policy.isResumable : policy.liftedBy.isEmpty, "\(cause)")
            #expect(cells[3] == restart(policy), "\(cause)")
            #expect(cells[4] == (policy.reach == .cluster ? "all" : "who meets it"), "\(cause)")
        }
        #expect(promised.map { $0[0].filter { $0 != "`" } } == HoldCause.allCases.map(\.rawValue))
    }

    @Test("What a broker that takes no messages cannot be given back")
    func release() {
        #expect(causes { !$0.permitsRelease } == [.brokerBlocked])
    }

    /// A removed method may say so to every token.
    @Test("What calls alone can lift, an unknown share token lifts only below the threshold of its own refusals")
    func unknownTokens() {
        func lifted(_ threshold: Int?) -> Set<HoldCause> {
            causes { $0.probe != nil && $0.isLifted(by: .unknownToken, threshold: threshold) }
        }
        let tested = causes { $0.probe != nil }
        let byCalls = causes { $0.liftedBy == [.success, .understood] }
        #expect(byCalls.isSubset(of: tested) && byCalls.contains(.apiRetired))
        #expect(lifted(2) == tested)
        #expect(lifted(20) == tested.subtracting(byCalls))
        #expect(lifted(nil) == tested.subtracting([.apiRetired]))
    }

    @Test("The first round after a restart")
    func waits() {
        let now = Timestamp(milliseconds: 1_000_000)
        func wait(_ cause: HoldCause, dayEnd: Duration) -> Duration? {
            HoldPolicy.of(cause).waitAfterRestart(dayEnd: now + dayEnd, lateness: .seconds(7), at: now)
        }
        #expect(wait(.apiRetired, dayEnd: .seconds(60)) == .zero)
        #expect(wait(.operatorPaused, dayEnd: .seconds(-60)) == .zero)
        #expect(wait(.memberPaused, dayEnd: .seconds(60)) == .zero)
        #expect(wait(.quotaDay, dayEnd: .seconds(60)) == .seconds(67))
        #expect(wait(.quotaDay, dayEnd: .zero) == nil)
        #expect(wait(.apiUnavailable, dayEnd: .seconds(60)) == nil)
    }
}
