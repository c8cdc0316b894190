import CRabbitMQ
import Secrets

@testable import AMQP

/// Frames in any order become messages that are what was sent, or a violation; and what is held stays under its cap.
///
/// Input: a byte for the cap, then one byte for each frame with what it needs. Frames of our own making have bodies of
/// any size; frames of wire bytes go through librabbitmq's decoder.
enum FrameProperty {
    private static let caps = [0, 1, 64, 70_000, 1 << 20]
    private static let channel: amqp_channel_t = 1

    /// What the frames said so far, kept in the simplest way.
    private struct Model {
        var announced: UInt64 = 0
        var body: [UInt8] = []
    }

    static func reports(_ bytes: [UInt8]) -> [String] {
        var input = FuzzInput(bytes)
        let cap = caps[input.choice(of: caps.count)]
        let wire = WireDecoder()
        var assembler = FrameAssembler(maximumBody: cap)
        var model = Model()
        var reports = Findings()
        while !input.isAtEnd {
            guard let frame = frame(&input, wire) else { break }
            switch frame {
            case .header(let size, _): model = Model(announced: size)
            case .body(let piece): model.body += piece
            default: break
            }
            let output = assembler.take(frame)
            reports.expect(
                assembler.held <= max(cap, FrameAssembler.truncatedPrefix),
                "\(assembler.held) bytes are held with a cap of \(cap)")
            switch output {
            case nil: break
            case .violation(let sentence):
                // The link drops the connection.
                reports.expect(!sentence.isEmpty, "a violation without a word")
                return reports.sentences
            case .returned: reports.expect(assembler.held == 0, "a returned message is held on to")
            case .delivered(_, _, let body):
                reports.expect(assembler.held == 0, "a delivered message is held on to")
                check(body, model, cap: cap, &reports)
            }
        }
        return reports.sentences
    }

    private static func check(_ body: FrameAssembler.Body, _ model: Model, cap: Int, _ reports: inout Findings) {
        switch body {
        case .complete(let bytes):
            reports.expect(bytes == model.body, "a body is not what came")
            reports.expect(bytes.count == model.announced && bytes.count <= cap, "a body has another size")
        case .truncated(let prefix, let size, let digest):
            reports.expect(size == model.announced && size > cap, "a body was cut for nothing")
            reports.expect(
                prefix.elementsEqual(model.body.prefix(FrameAssembler.truncatedPrefix)), "a prefix is not what came")
            reports.expect(digest == SHA256Digest(of: model.body), "a digest is of something else")
        }
    }

    private static func frame(_ input: inout FuzzInput, _ wire: WireDecoder) -> Frame? {
        switch input.choice(of: 12) {
        case 0:
            return .deliver(
                Frame.Deliver(
                    consumerTag: input.text(atMost: 8), deliveryTag: input.longLong(), isRedelivered: input.flag(),
                    exchange: "", routingKey: ""))
        case 1: return .returned(code: Int(input.word()), text: input.text(atMost: 20), exchange: "", routingKey: "")
        case 2: return .header(bodySize: UInt64(input.word()), Properties())
        case 3: return .header(bodySize: input.longLong(), Properties())
        // Large ones come cheap: a byte says how many.
        case 4: return .body([UInt8](repeating: input.byte(), count: Int(input.word())))
        case 5: return .body([UInt8](repeating: input.byte(), count: Int(input.byte()) * 512))
        case 6: return .body(input.run(atMost: 255))
        case 7: return .confirm(tag: input.longLong(), multiple: input.flag())
        case 8: return .heartbeat
        case 9: return wire.frame(type: 1, payload: method(&input), channel: channel)
        case 10: return wire.frame(type: 2, payload: [0, 60] + input.run(atMost: 255), channel: channel)
        default: return wire.frame(type: 3, payload: input.run(atMost: 255), channel: channel)
        }
    }

    /// Class basic or what the input wants, so that most methods are some that exist.
    private static func method(_ input: inout FuzzInput) -> [UInt8] {
        let ids: [[UInt8]] = [
            [0, 60, 0, 60], [0, 60, 0, 50], [0, 60, 0, 80], [0, 60, 0, 120], [0, 60, 0, 30], [0, 20, 0, 40],
            [0, 10, 0, 50], [0, 10, 0, 60], [0, 10, 0, 61],
        ]
        let choice = input.choice(of: ids.count + 1)
        let id = choice < ids.count ? ids[choice] : (0..<4).map { _ in input.byte() }
        return id + input.run(atMost: 255)
    }
}
