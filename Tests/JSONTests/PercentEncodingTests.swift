import JSON
import Testing

@Suite struct PercentEncodingTests {
    @Test(
        arguments: [
            ("", ""),
            ("AZaz09-._~", "AZaz09-._~"),
            ("a/b c%", "a%2Fb%20c%25"),
            ("é\u{0}\u{7f}", "%C3%A9%00%7F"),
            (".", "%2E"),
            ("..", "%2E%2E"),
            (".a", ".a"),
        ])
    func whatIsNotUnreservedIsEscaped(text: String, encoded: String) {
        let bytes = PercentEncoding.encode(text.utf8)
        #expect(String(decoding: bytes, as: UTF8.self) == encoded)
        #expect(PercentEncoding.decode(bytes) == Array(text.utf8))
    }

    @Test func everyByteComesBack() {
        let bytes = Array(UInt8.min...UInt8.max)
        #expect(PercentEncoding.decode(PercentEncoding.encode(bytes)) == bytes)
    }

    @Test(arguments: ["%", "%4", "%4g", "a%"])
    func aBrokenEscapeIsNone(text: String) {
        #expect(PercentEncoding.decode(text.utf8) == nil)
    }
}
