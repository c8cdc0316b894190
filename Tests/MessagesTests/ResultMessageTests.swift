import AMQP
import Clocks
import Jobs
import Messages
import Testing

@Suite struct ResultMessageTests {
    private let result = ResultMessage(
        messageID: "j#0", correlationID: "c", traceparent: "p", tracestate: nil, outcome: .left,
        completedAt: Timestamp(milliseconds: 1_700_000_000_999), body: Array("{}".utf8), isReplayed: false)

    @Test("A result goes to the results exchange under its outcome, with the properties of the contract")
    func publication() {
        let publication = result.publication(under: QueueNames(prefix: "p"))
        #expect((publication.exchange, publication.routingKey) == ("p.results", "leave.left"))
        #expect(publication.body == Array("{}".utf8) && publication.isMandatory)
        let properties = publication.properties
        #expect((properties.messageID, properties.correlationID) == ("j#0", "c"))
        #expect((properties.type, properties.appID) == ("leave-album.result.v1", "leave-albumd"))
        #expect((properties.contentType, properties.timestamp) == ("application/json", 1_700_000_000))
        #expect(properties.headers?["traceparent"] == .text("p") && properties.headers?["tracestate"] == nil)
    }

    @Test("A replay says so, and is read as one", arguments: [true, false])
    func replay(isReplayed: Bool) {
        var result = result
        result.isReplayed = isReplayed
        let properties = result.publication(under: QueueNames(prefix: "p")).properties
        #expect(ResultMessage.isReplayed(properties) == isReplayed)
        #expect(properties.headers?["x-leave-album-replayed"] == (isReplayed ? .boolean(true) : nil))
    }
}
