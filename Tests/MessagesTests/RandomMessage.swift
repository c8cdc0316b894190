import AMQP
import Clocks
import Concurrency
import Jobs
import Messages
import Secrets

/// Messages and headers of any content, the same from each seed.
struct RandomMessage {
    private var random: SeededRandom

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    mutating func flag() -> Bool { Bool.random(using: &random) }

    mutating func element<Element>(of elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &random)]
    }

    mutating func count() -> Int { Int.random(in: 0...Int(JobHeaders.counts.upperBound), using: &random) }

    mutating func time() -> Timestamp { Timestamp(milliseconds: Int64.random(in: 0...1 << 44, using: &random)) }

    mutating func text(atMost limit: Int) -> String {
        let scalars = (0..<Int.random(in: 0...limit, using: &random)).compactMap { _ in
            Unicode.Scalar(UInt32.random(in: 1..<0x11_0000, using: &random))
        }
        return String(String.UnicodeScalarView(scalars))
    }

    mutating func jobHeaders() -> JobHeaders {
        var headers = JobHeaders()
        headers.copy = count()
        headers.attempts = count()
        headers.isAmbiguous = flag()
        headers.generation = count()
        headers.notBefore = flag() ? time() : nil
        headers.turn = flag() ? time() : nil
        headers.moves = flag() ? count() : 0
        headers.suspect = flag() ? count() : 0
        headers.deliveries = flag() ? count() : 0
        headers.refusals = flag() ? count() : 0
        headers.mustQueryAlbum = flag()
        headers.lane = flag() ? element(of: Lane.allCases) : nil
        headers.firstSeen = flag() ? time() : nil
        headers.givenUp = flag() ? element(of: GivenUp.allCases) : nil
        if flag() { headers.reportedProgress.insert(element(of: ProgressState.allCases)) }
        headers.deadline = flag() ? (flag() ? .at(time()) : .lifted) : nil
        return headers
    }

    /// Of an application, of the broker and of a worker before, in any order.
    mutating func table() -> FieldTable {
        let names = [
            "app", "traceparent", "x-death", "x-delivery-count", "x-first-death-queue", "CC", JobHeaders.Name.copy,
            JobHeaders.Name.lane, JobHeaders.Name.generation, JobHeaders.Name.reason, JobHeaders.Name.browsed,
        ]
        var table = FieldTable()
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            let value: FieldValue =
                switch Int.random(in: 0..<4, using: &random) {
                case 0: .integer(Int64.random(in: -3...1_000_003, using: &random))
                case 1: .boolean(flag())
                case 2: .text(text(atMost: 40))
                default: .array([.table(FieldTable()), .void])
                }
            table.append(element(of: names), value)
        }
        return table
    }

    mutating func message(body: IncomingMessage.Body) -> IncomingMessage {
        var properties = Properties()
        properties.messageID = flag() ? "message-id" : nil
        properties.contentType = flag() ? "application/json" : nil
        properties.userID = flag() ? "guest" : nil
        properties.expiration = flag() ? "1000" : nil
        properties.priority = flag() ? 3 : nil
        properties.headers = flag() ? table() : nil
        return Self.message(properties, body)
    }

    static func message(_ properties: Properties, _ body: IncomingMessage.Body) -> IncomingMessage {
        IncomingMessage(
            tag: DeliveryTag(generation: 1, number: 1), queue: "p.dead", exchange: "", routingKey: "",
            isRedelivered: false, properties: properties, body: body, receivedAt: MonotonicTime(nanoseconds: 0))
    }
}
