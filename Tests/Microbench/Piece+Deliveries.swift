import Clocks
import Jobs

@testable import AMQP
@testable import Pipeline

/// From frames to the worker whose turn it is.
extension Piece {
    /// Of the daemon's own deliveries: nothing is copied that the broker does not send.
    static let deliver = Frame.Deliver(
        consumerTag: "amq.ctag-0123456789", deliveryTag: 7, isRedelivered: false, exchange: "leave-album.jobs",
        routingKey: "leave")

    static var properties: Properties {
        var properties = Properties()
        properties.contentType = "application/json"
        properties.deliveryMode = 2
        properties.messageID = "0f8fad5b-d9cb-469f-a165-70867728950e"
        return properties
    }

    static let frameAssembly = Piece(name: "frameAssembly") { count in
        var assembler = FrameAssembler(maximumBody: 65_536)
        let properties = properties
        var total = 0
        for _ in 0..<count {
            _ = assembler.take(.deliver(deliver))
            _ = assembler.take(.header(bodySize: UInt64(body.count), properties))
            if case .delivered? = assembler.take(.body(body)) { total += 1 }
        }
        return total
    }

    static let intake = Piece(name: "intake") { count in
        let intake = Intake(prefix: "leave-album")
        let message = message(1, body: body)
        var total = 0
        for _ in 0..<count where intake.take(message).item.job != nil { total += 1 }
        return total
    }

    /// In, its turn, its call, out: with as many others in hand and in flight as a busy daemon has.
    static let dispatcherTurn = Piece(name: "dispatcherTurn") { count in
        let intake = Intake(prefix: "leave-album")
        let items = (0..<deliveriesInFlight).map { number in
            let text = #"{"jobId":"job-\#(number)","account":"user-\#(number % accounts)","shareToken":"token"}"#
            return intake.take(message(UInt64(number), body: Array(text.utf8))).item
        }
        var dispatch = Dispatch(
            limits: .init(
                perAccount: 1, requestsPerMinutePerAccount: 30, capacity: deliveriesInFlight, requestsPerSecond: 0))
        var now = MonotonicTime(nanoseconds: 0)
        var running: [DeliveryTag] = []
        var total = 0
        for item in items { dispatch.accept(item, at: now) }
        for _ in 0..<count {
            // So that the account's minute is over when its turn comes again, but no slower: what is done once a second
            // would be counted as if it were done for each job.
            now = now + .milliseconds(11)
            dispatch.advance(to: now)
            guard let turn = dispatch.next(callLimit: inFlight, at: now) else { break }
            if let job = turn.item.job { dispatch.callBegan(job.account, at: now) }
            running.append(turn.item.message.tag)
            total += 1
            guard running.count == inFlight else { continue }
            let tag = running.removeFirst()
            dispatch.end(tag, at: now)
            dispatch.accept(items[Int(tag.number)], at: now)
        }
        return total
    }

    private static let inFlight = 64
    private static let deliveriesInFlight = 256
    private static let accounts = 200

    private static func message(_ number: UInt64, body: [UInt8]) -> IncomingMessage {
        IncomingMessage(
            tag: DeliveryTag(generation: 1, number: number), queue: "leave-album.jobs", exchange: "leave-album.jobs",
            routingKey: "leave", isRedelivered: false, properties: properties, body: .complete(body),
            receivedAt: MonotonicTime(nanoseconds: 0))
    }
}
