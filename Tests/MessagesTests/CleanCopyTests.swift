import AMQP
import Messages
import Testing

@Suite struct CleanCopyTests {
    @Test("Nothing is copied that breaks a publish, that the broker wrote, or that the worker writes anew")
    func clean() {
        var random = RandomMessage(seed: 6)
        for _ in 0..<1_000 {
            let source = random.message(body: .complete([])).properties
            let made = CleanCopy.make(of: source)
            let copy = made.properties
            #expect(copy.userID == nil && copy.expiration == nil && copy.priority == nil && copy.deliveryMode == 2)
            #expect(copy.messageID == source.messageID && copy.contentType == source.contentType)
            #expect(copy.deliveryCount == 0 && !JobHeaders.arePresent(in: copy.headers))
            let application = source.headers?.fields.filter {
                ["app", "traceparent"].contains(String(decoding: $0.name, as: UTF8.self))
            }
            #expect(copy.headers?.fields == (application ?? []) && !made.droppedHeaders)
        }
    }

    @Test("Headers that do not fit beside the worker's own are left out, and it is known")
    func budget() {
        var properties = Properties()
        properties.headers = FieldTable()
        properties.headers?.append("app", .string([UInt8](repeating: 0x61, count: CleanCopy.headerBudget)))
        let made = CleanCopy.make(of: properties)
        #expect(made.droppedHeaders && made.properties.headers == FieldTable())
        properties.headers = FieldTable()
        properties.headers?.append("app", .string([UInt8](repeating: 0x61, count: CleanCopy.headerBudget - 100)))
        let whole = CleanCopy.make(of: properties)
        #expect(!whole.droppedHeaders && whole.properties.headers == properties.headers)
        #expect(whole.withoutHeaders.droppedHeaders && whole.withoutHeaders.properties.headers == FieldTable())
    }

    @Test("The broker's count of deliveries is read where it is one")
    func deliveryCount() {
        var properties = Properties()
        #expect(properties.deliveryCount == 0)
        properties.headers = FieldTable()
        properties.headers?.append("x-delivery-count", .text("7"))
        #expect(properties.deliveryCount == 0)
        properties.headers = FieldTable()
        properties.headers?.append("x-delivery-count", .integer(7))
        #expect(properties.deliveryCount == 7)
    }
}
