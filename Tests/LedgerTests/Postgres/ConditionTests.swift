import Clocks
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What is made of what a database says of its snapshots and standbys.
@Suite struct ConditionTests {
    private static func at(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * 1_000_000_000) }

    // MARK: Snapshots

    @Test func aSnapshotIsAsOldAsTheFirstLookThatFoundItsIdGivenOut() {
        var history = XminHistory()
        func note(_ next: Int64, _ oldest: Int64, _ seconds: Int64) -> Duration {
            history.note(next: next, oldest: oldest, at: Self.at(seconds))
        }
        #expect(note(100, 100, 0) == .zero, "nobody holds anything")
        #expect(note(200, 150, 30) == .zero, "it may be new")
        #expect(note(300, 150, 60) == .seconds(30))
        #expect(note(300, 150, 90) == .seconds(60), "also while nothing is written")
        #expect(note(400, 350, 120) == .zero, "that one has ended, and another is there")
        #expect(note(500, 350, 150) == .seconds(30))
        #expect(note(600, 600, 180) == .zero)
        // A standby whose feedback is always some seconds behind.
        #expect(note(700, 640, 210) == .zero)
        #expect(note(800, 740, 240) == .zero)
        #expect(note(900, 650, 270) == .seconds(60))
    }

    @Test func whatAnotherDatabaseSaidBeforeIsForgotten() {
        var history = XminHistory()
        _ = history.note(next: 5_000, oldest: 5_000, at: Self.at(0))
        let first = history.note(next: 4_000, oldest: 3_000, at: Self.at(600))
        #expect(first == .zero, "of this one nothing was seen before")
        let second = history.note(next: 4_100, oldest: 3_000, at: Self.at(630))
        #expect(second == .seconds(30))
    }

    @Test func aDayOfOneSnapshotIsCountedWhole() {
        var history = XminHistory()
        var age = Duration.zero
        for look: Int64 in 0...2_880 { age = history.note(next: 1_000 + look, oldest: 7, at: Self.at(look * 30)) }
        #expect(age == .seconds(86_400))
        // What came later is known less closely, and never said to be older than it is.
        let later = history.note(next: 5_000, oldest: 1_000 + 2_870, at: Self.at(86_430))
        #expect(later <= .seconds(330) && later > .zero)
    }

    // MARK: Standbys

    private static func count(
        _ names: String, _ standbys: Int, synchronous: Int = 0, commit: String = "on", sees: Bool = true
    ) -> DatabaseCondition.Replication? {
        StandbyCount(
            names: names, commit: commit, standbys: standbys, synchronous: synchronous, seesStates: sees
        ).replication
    }

    @Test func aFailoverLosesNothingOnlyWhereEachCommitWaits() {
        #expect(Self.count("", 0) == .noStandby)
        #expect(Self.count("", 2) == .asynchronous)
        #expect(Self.count("*", 1, synchronous: 1) == .synchronous)
        #expect(Self.count("ANY 1 (a, b)", 2, synchronous: 2) == .synchronous)
        for commit in ["local", "off"] {
            #expect(Self.count("*", 1, synchronous: 1, commit: commit) == .asynchronous, "this role waits for nobody")
        }
        #expect(Self.count("*", 1, synchronous: 1, commit: "remote_write") == .synchronous)
    }

    @Test func commitsThatWaitForWhoIsNotThereAreSaidToWait() {
        #expect(Self.count("a", 0) == .waiting)
        #expect(Self.count("a", 1) == .waiting, "another one")
        #expect(Self.count("ANY 2 (a, b)", 2, synchronous: 1) == .waiting)
    }

    @Test func whatTheRoleMayNotSeeIsNotSaid() {
        #expect(Self.count("", 0, sees: false) == .noStandby, "how many there are everybody sees")
        #expect(Self.count("", 1, sees: false) == nil)
        #expect(Self.count("a", 1, sees: false) == nil)
        #expect(Self.count("a", 0, sees: false) == .waiting)
    }

    @Test(arguments: [
        ("a", 1), ("a, b", 1), ("*", 1), ("ANY 2 (a, b, c)", 2), ("first 3 (a,b,c)", 3), ("2(a, b)", 2),
        ("FIRST 1 (\"2 (\")", 1), ("\"2 (b\"", 1), (" Any  10 (*)", 10),
    ])
    func aListSaysHowManyACommitWaitsFor(_ names: String, _ number: Int) {
        #expect(StandbyCount.wanted(by: names) == number)
    }
}
