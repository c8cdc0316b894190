import Clocks
import Jobs
import Ledger

@testable import Pipeline

/// The gates of some members over one shared state, on one clock, without anything between them: what a member says is
/// written when the test says so.
struct SharedGates {
    var state = ClusterState()
    var gates: [Gate]
    /// Those that are known to live.
    var alive: Set<Int64>
    private static let wall = Timestamp(milliseconds: 1_000_000)
    static let turnTime = Duration.seconds(5)

    init(_ count: Int) {
        gates = (1...count).map { Gate(concurrency: 32, member: (Int64($0), "m\($0)")) }
        alive = Set(1...Int64(count))
    }

    static func now(_ second: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: Int64(second * 1e9))
    }

    static func wall(_ second: Double) -> Timestamp { wall + .milliseconds(Int64((second * 1000).rounded())) }

    func call(_ number: Int, at second: Double, isProbe: Bool = false) -> Gate.Call {
        Gate.Call(
            job: JobID("j\(number)"), account: AccountID("a\(number)"), began: Self.now(second), isProbe: isProbe)
    }

    /// Writes what the member has said, and gives it the state after each.
    mutating func write(_ member: Int, at second: Double) {
        while gates[member].hasClusterChanges {
            for change in gates[member].takeClusterChanges() {
                _ = state.apply(
                    change, by: Int64(member + 1), alive: alive, turnTime: Self.turnTime, at: Self.wall(second))
                gates[member].answeredChange()
                adopt(member, at: second)
            }
        }
    }

    mutating func adopt(_ member: Int, at second: Double) {
        let news = ClusterNews(state: state, alive: alive, member: Int64(member + 1))
        _ = gates[member].adopt(news, at: Self.now(second), wall: Self.wall(second))
    }

    /// All members look, say what they have to say, and hear it.
    mutating func exchange(at second: Double) {
        for member in gates.indices { write(member, at: second) }
        for member in gates.indices { adopt(member, at: second) }
    }

    mutating func advance(_ member: Int, hasUntried: Bool, at second: Double) {
        gates[member].advance(
            isCalling: false, hasUntried: hasUntried, at: Self.now(second), wall: Self.wall(second))
    }

    mutating func refuse(_ member: Int, _ number: Int, at second: Double, isProbe: Bool = false) {
        _ = gates[member].hold(
            .apiDisabled, detail: "no", by: call(number, at: second, isProbe: isProbe), at: Self.now(second),
            wall: Self.wall(second))
    }

    /// A hold that one met and all have, with its first round between 5 and 5.5 seconds.
    mutating func holdAll() {
        exchange(at: 0)
        refuse(0, 1, at: 0)
        exchange(at: 0)
    }

    mutating func succeed(_ member: Int, _ number: Int, at second: Double, isProbe: Bool = false) {
        _ = gates[member].answered(.success, call(number, at: second, isProbe: isProbe), at: Self.now(second))
    }

    mutating func limits(at second: Double) -> [Int] {
        gates.indices.map { gates[$0].limit(at: Self.now(second)) }
    }

    /// When each member looks at its holds again though nothing happens, in seconds.
    func checks(at second: Double) -> [Double?] {
        gates.map { gate in gate.nextCheck(at: Self.now(second)).map { ($0 - Self.now(0)).inSeconds } }
    }

    var probing: [Bool] { gates.map(\.isProbing) }
    var holding: [Bool] { gates.map(\.isHolding) }
}
