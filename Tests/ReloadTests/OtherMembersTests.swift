import Clocks
import Ledger
import Testing

@testable import Daemon

/// Who counts as another daemon beside grants in a directory.
@Suite struct OtherMembersTests {
    private static func member(
        _ epoch: Int, _ state: ClusterMember.State = .working, there time: Duration, unheard lag: Duration = .seconds(2)
    ) -> ClusterMember {
        let now = Timestamp(milliseconds: 1_000_000_000)
        return ClusterMember(
            epoch: epoch, name: "worker-\(epoch)", version: "1", state: state, started: now - time, seen: now - lag,
            lag: lag, report: "{}")
    }

    @Test func onlyAnotherOneThatLivesAndHasComeToStayCounts() {
        let half = OtherMembers.settlingTime
        let cases: [(ClusterMember, String?)] = [
            (Self.member(1, there: .seconds(500)), nil),
            (Self.member(2, there: half - .milliseconds(1)), nil),
            (Self.member(2, there: half), "worker-2 (epoch 2)"),
            (Self.member(2, .draining, there: half), "worker-2 (epoch 2)"),
            (Self.member(2, .gone, there: .seconds(500)), nil),
            (Self.member(2, .dead, there: .seconds(500)), nil),
            (Self.member(2, there: .seconds(500), unheard: .seconds(15)), nil),
        ]
        for (member, expected) in cases {
            #expect(OtherMembers.settled(of: [Self.member(1, there: .seconds(900)), member], besides: 1) == expected)
        }
    }
}
