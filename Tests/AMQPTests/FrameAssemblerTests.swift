import Secrets
import Testing

@testable import AMQP

@Suite struct FrameAssemblerTests {
    private static let deliver = Frame.Deliver(
        consumerTag: "c", deliveryTag: 7, isRedelivered: true, exchange: "e", routingKey: "k")

    private func take(_ frames: [Frame], cap: Int = 100) -> [FrameAssembler.Output?] {
        var assembler = FrameAssembler(maximumBody: cap)
        return frames.map { assembler.take($0) }
    }

    @Test func methodHeaderAndBodyFramesBecomeOneMessage() {
        var properties = Properties()
        properties.messageID = "m"
        let outputs = take([
            .deliver(Self.deliver), .header(bodySize: 5, properties), .body([1, 2]), .heartbeat, .other,
            .body([3, 4, 5]),
        ])
        #expect(outputs.dropLast().allSatisfy { $0 == nil })
        #expect(outputs.last == .delivered(Self.deliver, properties, .complete([1, 2, 3, 4, 5])))
    }

    @Test func anEmptyBodyHasNoFrame() {
        let outputs = take([.deliver(Self.deliver), .header(bodySize: 0, Properties()), .deliver(Self.deliver)])
        #expect(outputs == [nil, .delivered(Self.deliver, Properties(), .complete([])), nil])
    }

    @Test func aBodyOverTheCapIsCutAndItsDigestIsOfTheWhole() {
        let piece = [UInt8](repeating: 9, count: 60_000)
        let whole = piece + piece
        let outputs = take(
            [.deliver(Self.deliver), .header(bodySize: 120_000, Properties()), .body(piece), .body(piece)],
            cap: 70_000)
        let expected = FrameAssembler.Body.truncated(
            prefix: Array(whole.prefix(FrameAssembler.truncatedPrefix)), size: 120_000,
            sha256: SHA256Digest(of: whole))
        #expect(outputs.last == .delivered(Self.deliver, Properties(), expected))
    }

    @Test func anAnnouncedSizeAllocatesNothing() {
        // An allocation of that size would end the process.
        let outputs = take(
            [.deliver(Self.deliver), .header(bodySize: 1 << 62, Properties()), .body([1])], cap: .max)
        #expect(outputs == [nil, nil, nil])
    }

    @Test func aReturnIsReportedWithoutItsContent() {
        var properties = Properties()
        properties.messageID = "back"
        let outputs = take([
            .returned(code: 312, text: "NO_ROUTE", exchange: "e", routingKey: "k"), .header(bodySize: 1, properties),
            .body([1]),
        ])
        #expect(outputs.last == .returned(code: 312, text: "NO_ROUTE", messageID: "back"))
    }

    @Test(arguments: [
        [Frame.header(bodySize: 1, Properties())], [.body([1])],
        [.deliver(deliver), .deliver(deliver)], [.deliver(deliver), .body([1])],
        [.deliver(deliver), .header(bodySize: 1, Properties()), .body([1, 2])],
        [.deliver(deliver), .header(bodySize: 1, Properties()), .header(bodySize: 1, Properties())],
    ])
    func framesOutOfOrderAreAViolation(frames: [Frame]) {
        guard case .violation? = take(frames).last ?? nil else {
            Issue.record("no violation")
            return
        }
    }
}
