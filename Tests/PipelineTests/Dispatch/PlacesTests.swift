import AMQP
import Clocks
import Ledger
import Messages
import Testing

@testable import Jobs
@testable import Pipeline

/// Who gives up places in hand, and for whom, as transcripts: a window of 64, of which eight make a flood.
@Suite struct PlacesTests {
    private static let intake = Intake(prefix: "p")
    private var dispatch = Dispatch(limits: .init(perAccount: 1, requestsPerMinutePerAccount: 0, capacity: 64))
    private var number: UInt64 = 0

    private mutating func come(
        _ count: Int = 1, of account: String, id: String? = nil, lane: Lane = .jobs, suspect: Int = 0,
        at time: Double = 0
    ) {
        for _ in 0..<count {
            number += 1
            var properties = Properties()
            if suspect > 0 {
                var headers = FieldTable()
                headers.append("x-leave-album-suspect", .integer(Int64(suspect)))
                properties.headers = headers
            }
            let body = #"{"jobId":"\#(id ?? "j\(number)")","account":"\#(account)","shareToken":"t"}"#
            let message = IncomingMessage(
                tag: DeliveryTag(generation: 1, number: number), queue: QueueNames(prefix: "p").queue(lane),
                exchange: "",
                routingKey: "", isRedelivered: false, properties: properties, body: .complete(Array(body.utf8)),
                receivedAt: at(time))
            dispatch.accept(Self.intake.take(message).item, at: at(time))
        }
    }

    /// What leaves, by its number, and with what mandate; it has left then.
    private mutating func leaving(at time: Double = 0) -> [UInt64: TurnAction] {
        var left: [UInt64: TurnAction] = [:]
        while let turn = dispatch.next(callLimit: 0, at: at(time)) {
            left[turn.item.message.tag.number] = turn.action
            dispatch.end(turn.item.message.tag, at: at(time))
        }
        return left
    }

    private func places(_ account: String, _ lane: Lane = .jobs) -> Int {
        dispatch.accounts[AccountID(account)]?.places[lane] ?? 0
    }

    // MARK: One account

    @Test mutating func aWindowThatIsNotFullHidesNobody() {
        come(63, of: "a")
        #expect(leaving().isEmpty && places("a") == 63)
    }

    @Test mutating func anAccountKeepsHalfOfAFullWindowThatOthersShare() {
        come(of: "b")
        come(63, of: "a")
        let first = leaving()
        #expect(first.keys.sorted() == Array(34...64), "the newest; the oldest keep their order")
        #expect(first.values.allSatisfy { $0 == .awaitTurn })
        #expect(places("a") == 32 && places("b") == 1)
        // The broker refills the window with more of the same: none of it stays.
        come(31, of: "a", at: 0.1)
        #expect(leaving(at: 0.1).keys.sorted() == Array(65...95))
        // What comes of others stays.
        for number in 0..<31 { come(of: "c\(number)", at: 0.2) }
        #expect(leaving(at: 0.2).isEmpty)
        #expect(places("a") == 32 && places("b") == 1 && places("c30") == 1)
    }

    @Test mutating func eachLaneHasAWindowOfItsOwn() {
        come(of: "b")
        come(40, of: "a")
        come(40, of: "a", lane: .due)
        #expect(leaving().isEmpty)
        come(of: "b", lane: .due)
        come(23, of: "a", lane: .due)
        #expect(leaving().count == 31 && places("a", .due) == 32 && places("a") == 40)
    }

    @Test mutating func whatRunsOrFollowsFillsPlacesAsWell() {
        come(of: "b")
        come(62, of: "a", id: "same")
        come(of: "a", id: "other")
        let left = leaving()
        #expect(left.count == 31)
        #expect(left[64] == .awaitTurn, "it waited")
        #expect(left.filter { $0.key < 64 }.values.allSatisfy { $0 == .awaitLeader }, "these followed")
    }

    @Test mutating func aLaneIsCrowdedForASecondAfterItWasFull() {
        come(of: "b")
        come(63, of: "a")
        #expect(leaving().count == 31)
        come(of: "a", at: 0.9)
        #expect(leaving(at: 0.9).count == 1)
        come(31, of: "a", at: 2)
        #expect(leaving(at: 2).count == 31, "now it is full again")
    }

    @Test mutating func aSuspectNeverGivesUpItsPlace() {
        come(of: "b", lane: .due)
        come(62, of: "a", lane: .due)
        come(of: "a", lane: .due, suspect: 1)
        #expect(leaving().keys.sorted() == Array(33...63), "31 others in its place")
    }

    // MARK: Several

    @Test mutating func severalFloodsShareTheirHalf() {
        come(of: "b")
        for _ in 0..<21 { for account in ["x", "y", "z"] { come(of: account) } }
        #expect(leaving().count == 3 * (21 - 10))
        #expect(places("x") == 10 && places("y") == 10 && places("z") == 10)
        for account in ["b", "c", "d", "e"] { come(7, of: account) }
        #expect(leaving().isEmpty, "no floods, these")
    }

    @Test mutating func manyAccountsWithFewJobsEachKeepAllOfThem() {
        for round in 0..<8 { for account in 0..<16 where round < 4 || account < 8 { come(of: "a\(account)") } }
        #expect(leaving().isEmpty)
    }

    // MARK: Turns that are far off

    @Test mutating func whoMustWaitKeepsNoPlaceThatOthersNeed() {
        come(of: "b")
        come(20, of: "a")
        dispatch.refuse(AccountID("a"), .minute, atLeast: .zero, at: at(1), wall: Timestamp(milliseconds: 0))
        #expect(leaving(at: 1).isEmpty, "nobody needs them")
        for number in 0..<43 { come(of: "c\(number)", at: 2) }
        #expect(leaving(at: 2).count == 20 && places("a") == 0)
    }

    @Test mutating func whoMustWaitInAFullWindowLeavesItAtOnce() {
        come(of: "b")
        come(30, of: "a")
        for number in 0..<33 { come(of: "c\(number)") }
        #expect(leaving().isEmpty)
        dispatch.pause(AccountID("a"), at: at(5))
        #expect(leaving(at: 5).count == 30)
    }

    @Test mutating func anAccountWithALimitKeepsWhatHasItsTurnSoon() {
        dispatch = Dispatch(limits: .init(perAccount: 1, requestsPerMinutePerAccount: 6, capacity: 64))
        come(of: "b")
        come(63, of: "a")
        #expect(leaving().count == 63 - 6)
        #expect(places("a") == 6, "the calls that its minute allows")
    }

    // MARK: Nobody else to be seen

    @Test mutating func anAccountAloneIsLookedBehindOnceAndThenLeftAlone() {
        // A full window: whoever waits behind it can only be seen if there is room.
        come(64, of: "a")
        #expect(leaving().count == 32)
        come(32, of: "a", at: 0.5)
        #expect(leaving(at: 0.5).count == 32, "the look goes on for as long as the window fills up")
        // Nobody came. For a minute it is alone.
        come(32, of: "a", at: 2)
        #expect(leaving(at: 2).isEmpty && places("a") == 64)
        come(of: "a", at: 59)
        #expect(leaving(at: 59).isEmpty)
        // Then the next look, and two minutes.
        come(of: "a", at: 60)
        #expect(leaving(at: 60).count == 34)
        come(32, of: "a", at: 100)
        come(of: "a", at: 179)
        #expect(leaving(at: 179).isEmpty)
        come(of: "a", at: 180)
        #expect(leaving(at: 180).count > 0)
    }

    @Test mutating func whoIsAloneIsSoNoMoreWhenAnotherComes() {
        come(64, of: "a")
        #expect(leaving().count == 32)
        come(31, of: "a", at: 10)
        come(of: "b", at: 11)
        #expect(places("a") == 32, "room is made at once")
        #expect(leaving(at: 11).count == 31)
        // A minute later the other is forgotten: the next full window is a look again, at once.
        come(32, of: "a", at: 100)
        #expect(leaving(at: 100).count == 32)
    }

    // MARK: What is kept

    @Test mutating func nothingIsKeptOfPlacesThatAreFree() {
        come(of: "b")
        come(100, of: "a")
        come(5, of: "a", id: "same")
        _ = leaving()
        _ = dispatch.linkLost(upTo: 1, at: at(1))
        #expect(dispatch.entries.isEmpty && dispatch.duplicateGroups.isEmpty)
        #expect(dispatch.windows[.jobs].inFlight == 0 && dispatch.windows[.jobs].floods == 0)
        #expect(places("a") == 0)
        dispatch.advance(to: at(4_000))
        while dispatch.next(callLimit: 9, at: at(4_000)) != nil {}
        #expect(dispatch.accounts.isEmpty)
    }
}
