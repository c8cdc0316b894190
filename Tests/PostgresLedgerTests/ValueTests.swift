import Clocks
import Concurrency
import Testing

@testable import PostgresLedger

/// Values and arrays in PostgreSQL's binary form, without a server: what is written is read as it was, and what is no
/// value is refused. That the form is PostgreSQL's own, `RoundTripTests` asks a server.
@Suite struct ValueTests {
    private func roundTrips<Value: PostgresScalar>(_ value: Value) {
        var bytes: [UInt8] = []
        value.append(to: &bytes)
        #expect(Value(postgresBytes: bytes[...]) == value)
        let parameter = PostgresParameter.value(value)
        #expect(parameter.bytes == bytes && parameter.type == Value.postgresType)
        // As a slice of something else, whose indices are others.
        #expect(Value(postgresBytes: ([1, 2, 3] + bytes)[3...]) == value)
    }

    private func roundTrips<Element: PostgresScalar>(_ elements: [Element?]) {
        let bytes = PostgresArray.encode(elements)
        #expect(PostgresArray.decode(bytes[...], of: Element.self) == elements)
        for count in 0..<bytes.count {
            #expect(PostgresArray.decode(bytes.prefix(count), of: Element.self) == nil, "\(count) of \(bytes.count)")
        }
        #expect(PostgresArray.decode((bytes + [0])[...], of: Element.self) == nil)
    }

    @Test(arguments: 0..<50) func whatIsWrittenIsReadAsItWas(seed: UInt64) {
        var random = ValueGenerator(seed: seed)
        roundTrips(random.bool())
        roundTrips(random.int2())
        roundTrips(random.int4())
        roundTrips(random.int8())
        roundTrips(random.text())
        roundTrips(random.bytes())
        roundTrips(random.time())
        roundTrips(random.array { $0.bool() })
        roundTrips(random.array { $0.int2() })
        roundTrips(random.array { $0.int4() })
        roundTrips(random.array { $0.int8() })
        roundTrips(random.array { $0.text() })
        roundTrips(random.array { $0.bytes() })
        roundTrips(random.array { $0.time() })
    }

    @Test func theFormsAreThoseOfTheProtocol() {
        #expect(PostgresParameter.value(Int32(-2)).bytes == [0xff, 0xff, 0xff, 0xfe])
        #expect(PostgresParameter.value(Int16(258)).bytes == [1, 2])
        #expect(PostgresParameter.value(true).bytes == [1])
        #expect(PostgresParameter.value(Int64?.none).bytes == nil)
        #expect(PostgresParameter.value("é").bytes == [0xc3, 0xa9])
        #expect(PostgresArray.encode([Int16]()) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 21])
        #expect(
            PostgresArray.encode([Int16(7), nil]) == [
                0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 21, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 255, 255, 255, 255,
            ])
    }

    @Test func timesCountFromTheirOwnYears() {
        // 2000-01-01T00:00:00Z, from where PostgreSQL counts.
        let start = PostgresTime(microseconds: 946_684_800_000_000)
        #expect(PostgresParameter.value(start).bytes == [UInt8](repeating: 0, count: 8))
        #expect(PostgresTime(Timestamp(milliseconds: 5)).microseconds == 5_000)
        #expect(PostgresTime(microseconds: -1).timestamp.milliseconds == -1, "rounded down, before 1970 too")
        #expect(PostgresTime(microseconds: 1_999).timestamp.milliseconds == 1)
        #expect(PostgresTime(Timestamp(milliseconds: .max)) == .distantFuture)
        #expect(PostgresParameter.value(PostgresTime.distantFuture).bytes == [0x7f] + [UInt8](repeating: 255, count: 7))
        #expect(PostgresParameter.value(PostgresTime.distantPast).bytes == [0x80] + [UInt8](repeating: 0, count: 7))
        #expect(PostgresTime(microseconds: 1) < PostgresTime(microseconds: 2))
    }

    @Test func whatIsNoValueIsRefused() {
        #expect(Bool(postgresBytes: [2]) == nil && Bool(postgresBytes: []) == nil)
        #expect(Int16(postgresBytes: [1]) == nil && Int32(postgresBytes: [1, 2, 3, 4, 5]) == nil)
        #expect(Int64(postgresBytes: [1, 2, 3, 4]) == nil && PostgresTime(postgresBytes: [1]) == nil)
        #expect(String(postgresBytes: [0xc3]) == nil)
    }

    @Test func anArrayThatLiesIsRefused() {
        let array = PostgresArray.encode([Int32(1), 2])
        func changed(_ place: Int, _ byte: UInt8) -> [Int32?]? {
            var bytes = array
            bytes[place] = byte
            return PostgresArray.decode(bytes[...], of: Int32.self)
        }
        #expect(changed(3, 2) == nil, "two dimensions")
        #expect(changed(11, 20) == nil, "of another type")
        #expect(changed(15, 3) == nil && changed(12, 0x7f) == nil, "more elements than it has")
        #expect(changed(12, 0x80) == nil, "less than none")
        #expect(changed(23, 5) == nil && changed(20, 0x80) == nil, "elements of another length")
        #expect(changed(19, 0) == [1, 2], "the first index says nothing of the elements")
    }
}

/// Values of each type, with those at the ends of its range more often than chance would have them.
struct ValueGenerator {
    private var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func bool() -> Bool { .random(using: &random) }
    mutating func int2() -> Int16 { number() }
    mutating func int4() -> Int32 { number() }
    mutating func int8() -> Int64 { number() }

    mutating func bytes() -> [UInt8] { (0..<size()).map { _ in .random(in: 0...255, using: &random) } }

    /// Without the zero byte, which no text of PostgreSQL has.
    mutating func text() -> String {
        let scalars: [Unicode.Scalar] = (0..<size()).map { _ in
            let number = UInt32.random(in: 1...0x10ffff, using: &random)
            return Unicode.Scalar(number) ?? "\u{FFFD}"
        }
        return String(String.UnicodeScalarView(scalars))
    }

    /// From -4713, where PostgreSQL begins, to 294247, where these numbers end.
    mutating func time() -> PostgresTime {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: .distantFuture
        case 1: .distantPast
        default:
            PostgresTime(
                microseconds: .random(in: -210_863_520_000_000_000...9_223_372_036_854_775_000, using: &random))
        }
    }

    mutating func array<Element>(_ element: (inout Self) -> Element) -> [Element?] {
        (0..<size()).map { _ in Int.random(in: 0..<4, using: &random) == 0 ? nil : element(&self) }
    }

    private mutating func size() -> Int {
        Int.random(in: 0..<3, using: &random) == 0 ? 0 : .random(in: 0..<40, using: &random)
    }

    private mutating func number<Number: FixedWidthInteger>() -> Number {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: .min
        case 1: .max
        case 2: 0
        default: .random(in: .min ... .max, using: &random)
        }
    }
}
