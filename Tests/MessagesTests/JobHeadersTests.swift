import AMQP
import Clocks
import Jobs
import Messages
import Testing

@Suite struct JobHeadersTests {
    @Test("Headers are read as they were written, whatever stands beside them")
    func roundTrip() {
        var random = RandomMessage(seed: 1)
        for _ in 0..<2_000 {
            let headers = random.jobHeaders()
            let beside = CleanCopy.make(of: random.message(body: .complete([])).properties).properties.headers
            var table = beside ?? FieldTable()
            headers.write(to: &table)
            #expect(JobHeaders(reading: table) == headers)
            #expect(JobHeaders.arePresent(in: table))
        }
    }

    @Test("A header of another type, or with a value that nobody of ours writes, counts as absent")
    func malformed() {
        for value: FieldValue in [.integer(-1), .integer(1_000_001), .boolean(true), .void, .text("1")] {
            var table = FieldTable()
            for name in ["copy", "attempt", "generation", "moves", "suspect", "deliveries", "refusals"] {
                table.append("x-leave-album-\(name)", value)
            }
            #expect(JobHeaders(reading: table) == JobHeaders())
        }
        var table = FieldTable()
        for name in ["not-before", "turn", "first-seen"] { table.append("x-leave-album-\(name)", .integer(-1)) }
        for name in ["ambiguous", "ask"] { table.append("x-leave-album-\(name)", .integer(1)) }
        table.append("x-leave-album-lane", .text("results"))
        table.append("x-leave-album-given-up", .text("lost"))
        table.append("x-leave-album-deadline", .text("NONE"))
        table.append("x-leave-album-progress", .text("parked,lost"))
        #expect(JobHeaders(reading: table) == JobHeaders())
        #expect(JobHeaders(reading: nil) == JobHeaders())
    }

    /// Workers of other versions and dashboards read them.
    @Test("The names are the contract's")
    func names() {
        var headers = JobHeaders()
        (headers.copy, headers.attempts, headers.generation) = (1, 2, 3)
        (headers.moves, headers.suspect, headers.refusals, headers.deliveries) = (4, 5, 6, 10)
        (headers.isAmbiguous, headers.mustQueryAlbum, headers.lane) = (true, true, .bulk)
        headers.notBefore = Timestamp(milliseconds: 7)
        headers.turn = Timestamp(milliseconds: 8)
        headers.firstSeen = Timestamp(milliseconds: 9)
        headers.givenUp = .deliveryLimit
        headers.deadline = .at(Timestamp(milliseconds: 11))
        headers.reportedProgress.insert(.retrying)
        headers.reportedProgress.insert(.parked)
        var table = FieldTable()
        headers.write(to: &table)
        let expected: [(String, FieldValue)] = [
            ("copy", .integer(1)), ("attempt", .integer(2)), ("ambiguous", .boolean(true)), ("generation", .integer(3)),
            ("not-before", .integer(7)), ("turn", .integer(8)), ("moves", .integer(4)), ("suspect", .integer(5)),
            ("deliveries", .integer(10)), ("refusals", .integer(6)), ("ask", .boolean(true)), ("lane", .text("bulk")),
            ("first-seen", .integer(9)), ("given-up", .text("delivery_limit")),
            ("deadline", .integer(11)), ("progress", .text("parked,retrying")),
        ]
        #expect(
            table.fields
                == expected.map { FieldTable.Field(name: Array("x-leave-album-\($0.0)".utf8), value: $0.1) })
    }

    @Test("A publisher's headers are none of ours")
    func absent() {
        var table = FieldTable()
        table.append("x-leave", .integer(1))
        #expect(!JobHeaders.arePresent(in: table) && !JobHeaders.arePresent(in: nil))
    }
}
