import Testing

@testable import Service

/// Whatever comes from elsewhere stays text.
@Suite struct HTMLTests {
    private func text(_ html: HTML) -> String { String(decoding: html.bytes, as: UTF8.self) }

    @Test func textAndAttributesAreEscaped() {
        let evil = #"<script>alert("x" & 'y')</script>"#
        let safe = "&lt;script&gt;alert(&quot;x&quot; &amp; 'y')&lt;/script&gt;"
        #expect(text(.text(evil)) == safe)
        #expect(text(.element("p", [:], evil)) == "<p>\(safe)</p>")
        #expect(text(.element("a", ["title": evil, "href": "/"], "x")) == "<a title=\"\(safe)\" href=\"/\">x</a>")
        #expect(text(.text("é – 漢")) == "é – 漢")
    }

    @Test func whatIsNilIsLeftOut() {
        #expect(text(.element("p", ["id": nil, "class": "a"], [nil, .text("x"), nil])) == "<p class=\"a\">x</p>")
        #expect(text(.void("input", ["name": "id", "required": ""])) == "<input name=\"id\" required=\"\">")
    }
}
