import Clocks
import Concurrency
import Testing

@testable import AMQP

@Suite struct AckCoalescerTests {
    private func delivered(_ count: UInt64) -> AckCoalescer {
        var coalescer = AckCoalescer()
        for tag in 1...count { coalescer.delivered(tag) }
        return coalescer
    }

    @Test func acksWithoutAGapBecomeOne() {
        var coalescer = delivered(4)
        for tag: UInt64 in [2, 1, 3] { #expect(coalescer.ack(tag) == true) }
        #expect(coalescer.flush() == [.init(tag: 3, multiple: true)])
        #expect(coalescer.outstanding == 1)
        #expect(coalescer.ack(4) == true)
        #expect(coalescer.flush() == [.init(tag: 4, multiple: false)])
        #expect(coalescer.flush() == [])
    }

    @Test func noAckReachesOverAnUnsettledDelivery() {
        var coalescer = delivered(5)
        for tag: UInt64 in [1, 3, 5] { #expect(coalescer.ack(tag) == true) }
        #expect(
            coalescer.flush() == [
                .init(tag: 1, multiple: false), .init(tag: 3, multiple: false), .init(tag: 5, multiple: false),
            ])
        for tag: UInt64 in [2, 4] { #expect(coalescer.ack(tag) == true) }
        #expect(coalescer.flush() == [.init(tag: 4, multiple: true)])
    }

    @Test func whatWasSettledByItselfIsInNoAcksWay() {
        var coalescer = delivered(3)
        #expect(coalescer.settle(2) == true)
        for tag: UInt64 in [1, 3] { #expect(coalescer.ack(tag) == true) }
        #expect(coalescer.flush() == [.init(tag: 3, multiple: true)])
    }

    @Test func aSecondSettlementAndAnUnknownTagAreNone() {
        var coalescer = delivered(2)
        #expect(coalescer.ack(1) == true)
        #expect(coalescer.ack(1) == false)
        #expect(coalescer.settle(1) == false)
        #expect(coalescer.ack(3) == false)
        #expect(coalescer.ack(0) == false)
        _ = coalescer.flush()
        #expect(coalescer.ack(1) == false)
    }

    /// Whatever the order, each delivery is settled exactly once, and none that was not.
    @Test func everyOrderSettlesEachOnce() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let count: UInt64 = 30
            var coalescer = delivered(count)
            var settled: Set<UInt64> = []
            var acked: Set<UInt64> = []
            for tag in (1...count).shuffled(using: &random).prefix(25) {
                #expect(coalescer.ack(tag) == true)
                acked.insert(tag)
                guard Bool.random(using: &random) else { continue }
                for ack in coalescer.flush() {
                    settled.formUnion(ack.multiple ? Set(1...ack.tag) : [ack.tag])
                }
                #expect(settled == acked)
            }
        }
    }
}

@Suite struct ConfirmBookTests {
    private func published(_ entries: [String]) -> PublisherConfirms<String> {
        var book = PublisherConfirms<String>()
        for entry in entries { book.published(entry, messageID: entry) }
        return book
    }

    private func reported(_ answers: [PublisherConfirms<String>.Answer]) -> [String: PublishOutcome] {
        Dictionary(uniqueKeysWithValues: answers.map { ($0.entry, $0.outcome) })
    }

    @Test func confirmsComeInAnyOrderSingleAndMultiple() {
        var book = published(["a", "b", "c", "d", "e"])
        #expect(reported(book.confirmed(4, multiple: false)) == ["d": .confirmed])
        #expect(reported(book.confirmed(2, multiple: true)) == ["a": .confirmed, "b": .confirmed])
        #expect(reported(book.confirmed(2, multiple: true)) == [:])
        #expect(reported(book.refused(5, multiple: true)) == ["c": .refused, "e": .refused])
        #expect(book.isEmpty)
    }

    @Test func tagZeroMeansAll() {
        var book = published(["a", "b"])
        #expect(reported(book.confirmed(0, multiple: true)) == ["a": .confirmed, "b": .confirmed])
    }

    @Test func aReturnMakesItsAckUnroutable() {
        var book = published(["a", "b", "c"])
        book.returned(code: 312, text: "NO_ROUTE", messageID: "b")
        #expect(
            reported(book.confirmed(3, multiple: true)) == [
                "a": .confirmed, "b": .unroutable(code: 312, text: "NO_ROUTE"), "c": .confirmed,
            ])
    }

    @Test func twoOfOneMessageIDAreDistinguishedByTheirOrder() {
        var book = PublisherConfirms<String>()
        book.published("first", messageID: "same")
        book.published("second", messageID: "same")
        book.returned(code: 312, text: "", messageID: "same")
        #expect(reported(book.confirmed(1, multiple: false)) == ["first": .unroutable(code: 312, text: "")])
        #expect(reported(book.confirmed(2, multiple: false)) == ["second": .confirmed])
    }

    @Test func aLossMakesAllUnknownInTheirOrderAndBeginsAnew() {
        var book = published(["a", "b", "c", "d"])
        _ = book.confirmed(2, multiple: false)
        #expect(book.abandon() == ["a", "c", "d"])
        #expect(book.isEmpty)
        book.published("x", messageID: nil)
        #expect(book.last == 1)
    }

    @Test func anAnswerToNothingIsNothing() {
        var book = published(["a"])
        #expect(book.confirmed(9, multiple: false).isEmpty)
        #expect(book.refused(9, multiple: true).count == 1, "up to what was published")
    }
}

@Suite struct EndpointRotationTests {
    private let endpoints = (1...3).map { Endpoint(host: "node\($0)", port: 5672) }

    @Test func allAreTriedBeforeAnyoneWaitsAndWaitsGrowByRounds() {
        var rotation = EndpointRotation(
            endpoints, backoff: Backoff(first: .milliseconds(500), longest: .seconds(5)))
        var waits: [Duration] = []
        var hosts: [String] = []
        for _ in 0..<9 {
            hosts.append(rotation.current.host)
            waits.append(rotation.failed(random: 1))
        }
        #expect(hosts == ["node1", "node2", "node3", "node1", "node2", "node3", "node1", "node2", "node3"])
        #expect(waits.enumerated().allSatisfy { ($0.offset % 3 == 2) == ($0.element > .zero) })
        #expect(waits[2] < waits[5] && waits[5] < waits[8])
    }

    @Test func successKeepsTheEndpointAndShortensTheWaits() {
        var rotation = EndpointRotation(endpoints)
        let first = (0..<3).map { _ in rotation.failed(random: 1) }[2]
        _ = (0..<3).map { _ in rotation.failed(random: 1) }
        _ = rotation.failed(random: 1)
        rotation.succeeded()
        #expect(rotation.current.host == "node2")
        let again = (0..<3).map { _ in rotation.failed(random: 1) }[2]
        #expect(again == first)
    }

    @Test func noWaitIsLongerThanABrokersRestart() {
        var rotation = EndpointRotation([endpoints[0]])
        for _ in 0..<30 { #expect(rotation.failed(random: 1) <= EndpointRotation.longestWait) }
    }
}
