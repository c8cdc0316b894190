import Clocks
import Jobs
import Ledger
import Testing

/// Who may test the holds of a cluster, and whose word ends them, as transcripts.
@Suite final class ClusterStateTests {
    private var state = ClusterState()
    private var alive: Set<Int64> = [1, 2, 3]
    private static let turnTime = Duration.seconds(5)

    private func time(_ second: Double) -> Timestamp {
        Timestamp(milliseconds: 1_000_000) + .milliseconds(Int64(second * 1000))
    }

    private func hold(_ cause: HoldCause, at second: Double, probe: Double?) -> SharedHold {
        var hold = SharedHold(cause: cause, since: time(second), member: 1, detail: "\(cause)")
        hold.nextProbe = probe.map { time($0) }
        return hold
    }

    private func apply(_ change: ClusterChange, by member: Int64, at second: Double) -> Bool {
        state.apply(change, by: member, alive: alive, turnTime: Self.turnTime, at: time(second))
    }

    /// The fence of the turn, if the member gets it.
    private func begin(by member: Int64, at second: Double) -> Int64? {
        apply(.beginProbe, by: member, at: second) ? state.turn?.fence : nil
    }

    private func engage(_ cause: HoldCause = .apiRetired, at second: Double = 0, probe: Double? = 10) {
        _ = apply(.engage(hold(cause, at: second, probe: probe)), by: 1, at: second)
    }

    @Test("a hold stands from the first word on, and a second word changes nothing but its detail")
    func engaged() {
        engage(at: 0, probe: 10)
        var second = hold(.apiRetired, at: 3, probe: 13)
        second.detail = "again"
        #expect(apply(.engage(second), by: 2, at: 3))
        #expect(state.holds[.apiRetired]?.since == time(0) && state.holds[.apiRetired]?.nextProbe == time(10))
        #expect(state.holds[.apiRetired]?.detail == "again" && state.version == 2)
        #expect(!apply(.engage(second), by: 3, at: 4))
        #expect(state.version == 2, "what is no news raises no version")
    }

    @Test("one member tests the holds, once their round is due and until its turn is over")
    func oneTurn() {
        engage(probe: 10)
        #expect(begin(by: 1, at: 9.999) == nil)
        #expect(begin(by: 1, at: 10) == 1)
        #expect(begin(by: 2, at: 10) == nil)
        #expect(begin(by: 2, at: 15) == nil, "at its last moment it still stands")
        #expect(begin(by: 1, at: 12) == nil, "who has it needs no other")
        #expect(begin(by: 2, at: 15.001) == 2)
        #expect(state.turn == ProbeTurn(member: 2, fence: 2, until: time(20.001)))
    }

    @Test("a turn is renewed by its own fence while it runs, and not afterwards")
    func renewed() {
        engage(probe: 0)
        #expect(begin(by: 1, at: 0) == 1)
        #expect(apply(.renewProbe(fence: 1), by: 1, at: 5))
        #expect(state.turn?.until == time(10))
        #expect(!apply(.renewProbe(fence: 1), by: 1, at: 10.001), "it ran out")
        #expect(begin(by: 2, at: 10.001) == 2)
        #expect(!apply(.renewProbe(fence: 1), by: 1, at: 11))
        #expect(state.turn?.member == 2 && state.turn?.until == time(15.001))
    }

    @Test("a probe whose turn is over lifts nothing, whoever has the next")
    func lateLift() {
        engage(probe: 0)
        #expect(begin(by: 1, at: 0) == 1)
        #expect(!apply(.lift([.apiRetired], by: 1), by: 1, at: 5.001))
        #expect(begin(by: 2, at: 5.001) == 2)
        #expect(!apply(.lift([.apiRetired], by: 1), by: 1, at: 6))
        #expect(state.holds[.apiRetired] != nil)
        #expect(apply(.lift([.apiRetired], by: 2), by: 2, at: 10))
        #expect(state.holds.isEmpty && state.turn == nil)
    }

    @Test("who lifted the last hold calls first, until it lets the others follow or has had its time")
    func firstCaller() {
        engage(probe: 0)
        engage(.rateLimited, probe: 0)
        #expect(begin(by: 1, at: 0) == 1)
        #expect(apply(.lift([.rateLimited], by: 1), by: 1, at: 1))
        #expect(state.firstCaller == nil && state.turn != nil, "another hold is tested on")
        #expect(apply(.lift([.apiRetired], by: 1), by: 1, at: 2))
        #expect(state.firstCaller == FirstCaller(member: 1, until: time(7)))
        #expect(!apply(.letOthersStart, by: 2, at: 3), "that is the firstCaller's to say")
        #expect(apply(.letOthersStart, by: 1, at: 3) && state.firstCaller == nil)
    }

    @Test("a new hold ends what led to it, and what was said before it")
    func holdAgain() {
        engage(probe: 0)
        #expect(begin(by: 1, at: 0) == 1)
        #expect(apply(.lift([.apiRetired], by: 1), by: 1, at: 1))
        engage(at: 2, probe: 7)
        #expect(state.firstCaller == nil && state.turn == nil)
        #expect(!apply(.lift([.apiRetired], by: 1), by: 1, at: 3), "of the hold before")
        #expect(begin(by: 2, at: 7) == 2, "a fence is given once")
    }

    @Test("nobody tests a hold while one stands that no job tests")
    func paused() {
        engage(probe: 0)
        #expect(begin(by: 1, at: 0) == 1)
        engage(.operatorPaused, at: 1, probe: nil)
        #expect(state.turn == nil)
        #expect(!apply(.lift([.apiRetired], by: 1), by: 1, at: 2))
        #expect(begin(by: 2, at: 3) == nil)
        #expect(apply(.lift([.operatorPaused], by: nil), by: 3, at: 4), "any member says so")
        #expect(begin(by: 2, at: 4) == 2)
    }

    @Test("a member is paused by its name, once, by whoever says so, until anybody resumes it")
    func pausedMembers() {
        #expect(apply(.pauseMember("b", detail: "by one"), by: 1, at: 1))
        #expect(!apply(.pauseMember("b", detail: "by two"), by: 2, at: 2), "it is so already")
        #expect(state.pausedMembers == ["b": MemberPause(since: time(1), detail: "by one")])
        #expect(!apply(.resumeMember("c"), by: 1, at: 3))
        alive = [3]
        #expect(apply(.resumeMember("b"), by: 3, at: 4))
        #expect(state.pausedMembers.isEmpty)
    }

    @Test("so many names can be paused, and no more")
    func mostPausedMembers() {
        for number in 0..<ClusterState.mostPausedMembers {
            #expect(apply(.pauseMember("\(number)", detail: ""), by: 1, at: 1))
        }
        #expect(!apply(.pauseMember("more", detail: ""), by: 1, at: 1))
        #expect(apply(.resumeMember("0"), by: 1, at: 1) && apply(.pauseMember("more", detail: ""), by: 1, at: 1))
    }

    @Test("the end of a round says when the next is due, as long as nobody has begun another")
    func endedRound() {
        engage(probe: 0)
        #expect(begin(by: 1, at: 0) == 1)
        var next = hold(.apiRetired, at: 0, probe: 40)
        (next.round, next.refusedProbes) = (1, 8)
        #expect(apply(.endRound(fence: 1, [next]), by: 1, at: 6), "its turn ran out, and nobody came")
        #expect(state.holds[.apiRetired]?.nextProbe == time(40) && state.turn == nil)
        #expect(state.holds[.apiRetired]?.round == 1 && state.holds[.apiRetired]?.refusedProbes == 8)
        #expect(begin(by: 2, at: 40) == 2)
        next.nextProbe = time(400)
        #expect(!apply(.endRound(fence: 1, [next]), by: 1, at: 41))
        #expect(state.holds[.apiRetired]?.nextProbe == time(40))
    }

    @Test("a turn that is given back leaves the round due")
    func returned() {
        engage(probe: 10)
        #expect(begin(by: 1, at: 10) == 1)
        #expect(apply(.endRound(fence: 1, []), by: 1, at: 11))
        #expect(begin(by: 2, at: 11) == 2)
    }

    // MARK: What may be one member's own

    private func meet(by member: Int64, at second: Double) -> Bool {
        apply(.meet(hold(.tlsTrust, at: second, probe: second + 5)), by: member, at: second)
    }

    @Test func whatTwoHaveMetAndNobodyHasContradictedHoldsAll() {
        #expect(meet(by: 1, at: 0) && state.holds.isEmpty)
        #expect(!meet(by: 1, at: 10), "one member, however often, and no news")
        #expect(meet(by: 2, at: 11) && state.holds.keys.map(\.self) == [.tlsTrust])
        #expect(state.met.isEmpty)
    }

    @Test func aSuccessOfAnybodyHasItsTimeToContradictWhatOneHasMet() {
        #expect(meet(by: 1, at: 0) && meet(by: 2, at: 2.999))
        #expect(state.holds.isEmpty)
        #expect(apply(.disprove(isSuccess: false), by: 3, at: 3) == false, "an answer is no success")
        #expect(apply(.disprove(isSuccess: true), by: 3, at: 3) && state.met.isEmpty)
        #expect(meet(by: 2, at: 20) && state.holds.isEmpty)
        #expect(meet(by: 1, at: 23) && state.holds[.tlsTrust] != nil)
    }

    @Test func whatADeadMemberHasMetIsNoWordOnTheOthers() {
        #expect(meet(by: 1, at: 0))
        alive = [2, 3]
        #expect(meet(by: 2, at: 10) && state.holds.isEmpty)
        #expect(state.met[.tlsTrust]?.keys.map(\.self) == [2])
    }

    // MARK: Parts

    private var sum: Double { state.parts.values.reduce(0) { $0 + ($1 > 0 ? 1 / Double($1) : 0) } }

    @Test("a member that joins has no part before the others have left it one")
    func joining() {
        alive = [1]
        #expect(apply(.divide, by: 1, at: 0) && state.parts == [1: 1])
        alive = [1, 2]
        #expect(apply(.divide, by: 2, at: 1) && state.parts == [1: 1, 2: 0], "heard of, without a part")
        #expect(!apply(.divide, by: 2, at: 2))
        #expect(apply(.divide, by: 1, at: 3) && state.parts == [1: 2, 2: 0])
        #expect(apply(.divide, by: 2, at: 4) && state.parts == [1: 2, 2: 2])
    }

    @Test("what a dead member had is the others', and what a joiner takes at that moment is not")
    func leaving() {
        for _ in 0..<2 {
            for member in 1...3 as ClosedRange<Int64> { _ = apply(.divide, by: member, at: 0) }
        }
        #expect(state.parts == [1: 3, 2: 3, 3: 3])
        alive = [1, 2, 4]
        #expect(apply(.divide, by: 4, at: 1) && state.parts == [1: 3, 2: 3, 4: 3])
        alive = [1, 4]
        #expect(apply(.divide, by: 1, at: 2) && state.parts[1] == 2)
        #expect(sum <= 1)
        alive = [1, 4, 5]
        #expect(apply(.divide, by: 5, at: 3) && state.parts[5] == 0)
        #expect(apply(.divide, by: 1, at: 4) && state.parts[1] == 3)
        #expect(apply(.divide, by: 5, at: 5) && state.parts == [1: 3, 4: 3, 5: 3])
    }

    @Test("a part that its member leaves is the others' at once, and its own again when they have left it one")
    func withoutPart() {
        for _ in 0..<2 {
            for member in 1...3 as ClosedRange<Int64> { _ = apply(.divide, by: member, at: 0) }
        }
        #expect(apply(.leaveParts, by: 2, at: 1) && state.parts == [1: 3, 3: 3])
        #expect(!apply(.leaveParts, by: 2, at: 2))
        for member in [1, 3] as [Int64] { #expect(apply(.divide, by: member, at: 3)) }
        #expect(state.parts == [1: 2, 3: 2])
        #expect(apply(.divide, by: 2, at: 4) && state.parts == [1: 2, 2: 0, 3: 2], "it is heard of")
        for member in 1...3 as ClosedRange<Int64> { _ = apply(.divide, by: member, at: 5) }
        for member in 1...3 as ClosedRange<Int64> { _ = apply(.divide, by: member, at: 6) }
        #expect(state.parts == [1: 3, 2: 3, 3: 3] && state.withoutParts == [])
        #expect(apply(.leaveParts, by: 3, at: 7))
        alive = [1, 2]
        #expect(apply(.divide, by: 1, at: 8) && state.withoutParts == [], "who has ended is no reason for anything")
    }

    @Test("whoever comes and goes, and in whatever order they ask, the parts are never more than the whole")
    func sums() {
        var dice = SystemRandomNumberGenerator()
        for step in 0..<20_000 {
            let member = Int64.random(in: 1...6, using: &dice)
            switch Int.random(in: 0..<10, using: &dice) {
            case 0: alive.insert(member)
            case 1 where alive.count > 1: alive.remove(member)
            case 2: if alive.contains(member) { _ = apply(.leaveParts, by: member, at: Double(step)) }
            default: if alive.contains(member) { _ = apply(.divide, by: member, at: Double(step)) }
            }
            let live = state.parts.filter { alive.contains($0.key) && $0.value > 0 }
            #expect(live.values.reduce(0) { $0 + 1 / Double($1) } <= 1 + 1e-9)
        }
        for _ in 0..<2 {
            for member in alive { _ = apply(.divide, by: member, at: 30_000) }
        }
        #expect(state.parts == Dictionary(uniqueKeysWithValues: alive.map { ($0, alive.count) }))
    }

    @Test("an operator's round is due at once, at whatever member, and counts for none of the holds' own")
    func probeNow() {
        #expect(!apply(.probeNow, by: 1, at: 0))
        engage(probe: 3_600)
        #expect(begin(by: 1, at: 1) == nil)
        #expect(apply(.probeNow, by: 3, at: 1) && state.isExtraRound)
        #expect(begin(by: 2, at: 1) == 1)
        #expect(apply(.endRound(fence: 1, [hold(.apiRetired, at: 0, probe: 60)]), by: 2, at: 2))
        #expect(!state.isExtraRound)
    }

    // MARK: Duties

    @Test("a duty is one member's until its time is over or the member has ended")
    func duties() {
        #expect(apply(.take(.sweep), by: 1, at: 0))
        #expect(!apply(.take(.sweep), by: 2, at: 180), "at its last moment it still is")
        #expect(state.duties[.sweep] == DutyHolder(member: 1, until: time(180)))
        #expect(apply(.take(.retention), by: 2, at: 1), "another duty is another matter")
        let version = state.version
        #expect(!apply(.take(.sweep), by: 1, at: 90) && state.version == version, "kept without a word")
        #expect(apply(.take(.sweep), by: 1, at: 90.001))
        #expect(state.duties[.sweep]?.until == time(270.001))
        #expect(apply(.take(.sweep), by: 3, at: 270.002))
        alive = [1, 2]
        #expect(apply(.take(.sweep), by: 2, at: 271))
        #expect(state.duties[.sweep]?.member == 2)
    }

    @Test("all consume since a time when each of them does, as it has said last")
    func consuming() {
        for member in 1...2 as ClosedRange<Int64> { #expect(apply(.consumes(true), by: member, at: Double(member))) }
        #expect(!state.allConsume(alive, since: time(10)), "the third has said nothing")
        #expect(apply(.consumes(true), by: 3, at: 10))
        #expect(state.allConsume(alive, since: time(10)) && !state.allConsume(alive, since: time(9)))
        #expect(apply(.consumes(false), by: 2, at: 20))
        #expect(!state.allConsume(alive, since: time(30)))
        #expect(state.allConsume([1, 3], since: time(30)), "who has ended gets nothing")
        alive = [1, 2]
        #expect(apply(.consumes(true), by: 2, at: 40))
        #expect(state.consumingSince == [1: time(1), 2: time(40)])
    }

    // MARK: Accounts

    @Test("an account is paused once, by anybody, and only so many are")
    func pausedAccounts() {
        #expect(apply(.pause(AccountID("a")), by: 1, at: 0))
        #expect(!apply(.pause(AccountID("a")), by: 2, at: 1))
        #expect(apply(.resume(AccountID("a")), by: 3, at: 2))
        #expect(!apply(.resume(AccountID("a")), by: 3, at: 2) && state.pausedAccounts.isEmpty)
        for number in 0..<ClusterState.mostPausedAccounts {
            #expect(apply(.pause(AccountID("a\(number)")), by: 1, at: 3))
        }
        #expect(!apply(.pause(AccountID("one more")), by: 1, at: 4))
    }

    /// All that is shared goes to the database at once, and is never more than it takes.
    @Test func longIdsOfAccountsLetFewerFit() {
        let id = String(repeating: "a", count: 253)
        var paused = 0
        for number in 100..<999 where apply(.pause(AccountID("\(id)\(number)")), by: 1, at: 0) { paused += 1 }
        #expect(paused == ClusterState.longestPausedAccounts / 256)
    }
}
