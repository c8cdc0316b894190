import Secrets
import Testing

@Suite struct Base64Tests {
    /// RFC 4648, section 10, and bytes whose digits are the alphabet's last.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]) func theStandardsExamples(text: String, encoded: String) {
        #expect(Base64.encoded(Array(text.utf8)) == encoded)
        #expect(Base64.encoded(Array(text.utf8), .url) == encoded.filter { $0 != "=" })
    }

    @Test func allDigits() {
        #expect(Base64.encoded([0xfb, 0xff, 0xbf, 0x00]) == "+/+/AA==")
        #expect(Base64.encoded([0xfb, 0xff, 0xbf, 0x00], .url) == "-_-_AA")
    }
}
