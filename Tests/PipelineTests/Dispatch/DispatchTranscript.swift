import AMQP
import Clocks
import Ledger
import Messages

@testable import Jobs
@testable import Pipeline

/// A dispatch that a test tells what comes and when, and asks whose turn it is.
protocol DispatchTranscript {
    var dispatch: Dispatch { get set }
}

extension DispatchTranscript {
    func item(
        _ number: UInt64, _ id: String, account: String = "a", lane: Lane = .jobs, suspect: Int = 0,
        deliveries: Int64 = 0, receivedAt: Double = 0
    ) -> InFlightMessage {
        var properties = Properties()
        var headers = FieldTable()
        if suspect > 0 { headers.append("x-leave-album-suspect", .integer(Int64(suspect))) }
        if deliveries > 0 { headers.append("x-delivery-count", .integer(deliveries)) }
        properties.headers = headers
        let message = IncomingMessage(
            tag: DeliveryTag(generation: 1, number: number), queue: QueueNames(prefix: "p").queue(lane), exchange: "",
            routingKey: "", isRedelivered: false, properties: properties,
            body: .complete(Array(#"{"jobId":"\#(id)","account":"\#(account)","shareToken":"t"}"#.utf8)),
            receivedAt: at(receivedAt))
        return Intake(prefix: "p").take(message).item
    }

    mutating func next(_ limit: Int = 10, at time: Double = 0) -> (id: String, action: TurnAction)? {
        dispatch.advance(to: at(time))
        return dispatch.next(callLimit: limit, at: at(time)).map {
            ($0.item.job?.id.string ?? "-", $0.action)
        }
    }

    mutating func ids(_ count: Int, limit: Int = 10, at time: Double = 0) -> [String] {
        (0..<count).compactMap { _ in next(limit, at: time)?.id }
    }

    func tag(_ number: UInt64) -> DeliveryTag { DeliveryTag(generation: 1, number: number) }
}
