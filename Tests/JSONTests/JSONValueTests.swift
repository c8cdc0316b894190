import Concurrency
import JSON
import Testing

@Suite("JSON is read strictly and written one way")
struct JSONValueTests {
    @Test("Every kind of value is read as what it is")
    func everyKind() throws {
        let text = #" {"b":[1,1.0,1e2,-9223372036854775808,true,false,null],"a":"é\u0000\ud83d\ude00"} "#
        let value = try JSONValue.parse(Array(text.utf8))
        let expected = JSONValue.object([
            .init(
                "b",
                .array([.integer(1), .real(1), .real(100), .integer(.min), .bool(true), .bool(false), .null])),
            .init("a", .string([0xC3, 0xA9, 0, 0xF0, 0x9F, 0x98, 0x80])),
        ])
        #expect(value == expected)
    }

    @Test("A value alone is read, and only one")
    func scalars() throws {
        #expect(try JSONValue.parse(Array("7".utf8)) == .integer(7))
        #expect(try JSONValue.parse(Array("\"\"".utf8)) == .string([]))
        #expect(try JSONValue.parse(Array("\t[ ]\r\n".utf8)) == .array([]))
    }

    static let faultyTexts: [([UInt8], JSONFault.Kind)] = [
        ([], JSONFault.Kind.empty),
        ([0xEF, 0xBB, 0xBF, 0x7B, 0x7D], .byteOrderMark),
        ([0xFE, 0xFF, 0, 0x7B], .utf16),
        ([0xFF, 0xFE, 0x7B, 0], .utf16),
        ([0x7B, 0, 0x7D, 0], .utf16),
        ([0, 0x7B, 0, 0x7D], .utf16),
        ([0x22, 0xFF, 0x22], .invalidUTF8),
        ([0x22, 0xC0, 0x80, 0x22], .invalidUTF8),  // overlong NUL
        ([0x22, 0xED, 0xA0, 0x80, 0x22], .invalidUTF8),  // a surrogate
        (Array(#"{"a":1,"a":1}"#.utf8), .duplicateMember),
        (Array(#"[{"x":{"a":1,"\u0061":2}}]"#.utf8), .duplicateMember),
        (Array(#"{"a":1"#.utf8), .truncated),
        (Array(#"{} {}"#.utf8), .somethingAfterTheValue),
        (Array("{}\u{0}".utf8), .somethingAfterTheValue),
        (Array("1e999".utf8), .numberOutOfRange),
        (Array("9223372036854775808".utf8), .numberOutOfRange),
        (Array(#"{"a\u0000b":1}"#.utf8), .nulInName),
        (Array(#""\ud800""#.utf8), .syntax),
        (Array("{'a':1}".utf8), .syntax),
        (Array("[1,]".utf8), .syntax),
        (Array("[01]".utf8), .syntax),
        (Array("NaN".utf8), .syntax),
        (Array("// x\n{}".utf8), .syntax),
        (Array("\"a\nb\"".utf8), .syntax),
    ]

    @Test(
        "What is not one strict value is refused, and said which way",
        arguments: faultyTexts)
    func faults(bytes: [UInt8], kind: JSONFault.Kind) {
        let error = #expect(throws: JSONFault.self) { try JSONValue.parse(bytes) }
        #expect(error?.kind == kind)
    }

    @Test("Nesting is bounded before anything recurses, and brackets in strings are none")
    func depth() throws {
        func nested(_ levels: Int) -> [UInt8] {
            Array((String(repeating: "[", count: levels) + String(repeating: "]", count: levels)).utf8)
        }
        #expect(throws: Never.self) { try JSONValue.parse(nested(32)) }
        #expect(throws: JSONFault(.tooDeep(limit: 32), at: 32)) { try JSONValue.parse(nested(33)) }
        #expect(throws: JSONFault(.tooDeep(limit: 32), at: 32)) { try JSONValue.parse(nested(30_000)) }
        let quoted = Array((#"["\"" ,""# + String(repeating: "[{", count: 100) + #""]"#).utf8)
        #expect(throws: Never.self) { try JSONValue.parse(quoted) }
    }

    @Test("No fault quotes the input")
    func faultsAreSilent() {
        let text = #"{"shareToken":"s3cr3t-token" s3cr3t-token}"#
        let error = #expect(throws: JSONFault.self) { try JSONValue.parse(Array(text.utf8)) }
        #expect(error?.description.contains("s3cr3t") == false)
    }

    @Test("Names are sorted by bytes at every level, and nothing but text is between")
    func encoding() {
        let value = JSONValue.object([
            .init("é", .integer(1)), .init("b", .array([.object([.init("z", .null), .init("Z", .bool(true))])])),
            .init("a\"\\\n\u{1}\u{7f}/", .string(Array("\t\r\u{2028}ü".utf8))), .init("", .real(0.1)),
            .init("nan", .real(.nan)), .init("big", .real(1e300)),
        ])
        let expected =
            #"{"":0.1,"a\"\\\n\u0001"# + "\u{7f}"
            + #"/":"\t\r"# + "\u{2028}"
            + #"ü","b":[{"Z":true,"z":null}],"big":1e+300,"nan":null,"é":1}"#
        #expect(String(decoding: value.encoded(), as: UTF8.self) == expected)
    }

    @Test("What is written is read back as the same value")
    func roundTrip() throws {
        var random = SeededRandom(seed: 7)
        for _ in 0..<200 {
            let value = Self.value(depth: 4, &random)
            #expect(try JSONValue.parse(value.encoded()).encoded() == value.encoded())
        }
    }

    private static func value(depth: Int, _ random: inout SeededRandom) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .integer(Int64.random(in: .min ... .max, using: &random))
        case 3: return .real(Double.random(in: -1e12...1e12, using: &random))
        case 4: return .string(text(&random))
        case 5: return .array((0..<3).map { _ in value(depth: depth - 1, &random) })
        default:
            return .object(
                (0..<3).map { .init(Array("\($0)".utf8) + text(&random, from: 1), value(depth: depth - 1, &random)) })
        }
    }

    private static func text(_ random: inout SeededRandom, from lowest: UInt32 = 0) -> [UInt8] {
        let scalars = (0..<6).compactMap { _ in Unicode.Scalar(UInt32.random(in: lowest..<0x11_0000, using: &random)) }
        return scalars.flatMap { Array(String($0).utf8) }
    }
}
