import Clocks
import Ledger
import Testing

/// Which of the members that a table shows are paused, by the names that are.
@Suite struct ClusterMemberTests {
    private func paused(_ names: Set<String>, of members: [(String, ClusterMember.State)]) -> [Bool] {
        var all = members.enumerated().map { epoch, member in
            ClusterMember(
                epoch: epoch, name: member.0, version: "1", state: member.1, started: Timestamp(milliseconds: 0),
                seen: Timestamp(milliseconds: 0), report: "{}")
        }
        all.note(paused: names)
        return all.map(\.isPaused)
    }

    @Test func allThatLiveUnderTheNameAre() {
        #expect(
            paused(["b"], of: [("b", .dead), ("a", .working), ("b", .working), ("b", .draining)])
                == [false, false, true, true])
    }

    @Test func whereNoneLivesTheNewestShowsIt() {
        #expect(paused(["b"], of: [("b", .dead), ("b", .gone), ("a", .working)]) == [false, true, false])
        #expect(paused(["nobody"], of: [("a", .working)]) == [false])
    }
}
