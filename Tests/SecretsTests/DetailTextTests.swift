import Secrets
import Testing

@Suite struct DetailTextTests {
    @Test("Control characters become spaces, and the cut is between characters")
    func scrubbing() {
        #expect(DetailText.scrubbed("a\u{0}b\nc\u{202e}d\u{85}e\u{2028}f\u{7f}g\u{200f}h") == "a b c d e f g h")
        #expect(DetailText.scrubbed(String(repeating: "é", count: 300)).utf8.count == 512)
        #expect(DetailText.scrubbed("a" + String(repeating: "é", count: 300)).utf8.count == 511)
        #expect(DetailText.scrubbed("😀😀", limit: 7) == "😀")
        #expect(DetailText.scrubbed("", limit: 0) == "")
        #expect(DetailText.scrubbed(" fit~", limit: 5) == " fit~")
        #expect(DetailText.scrubbed("not fit", limit: 5) == "not f")
    }
}
