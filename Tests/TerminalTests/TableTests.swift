import Testing

@testable import Terminal

@Suite struct TableTests {
    private func table(_ rows: [[String]]) -> Table {
        var table = Table([.init("job", mayShrink: true), .init("tries", .right), .init("reason")])
        for row in rows { table.append(row) }
        return table
    }

    @Test func alignsColumns() {
        let table = table([["a", "1", ""], ["long-name", "12345678", "poison"]])
        #expect(
            table.rendered() == """
                job           tries  reason
                a                 1
                long-name  12345678  poison

                """)
        #expect(!table.isEmpty)
        #expect(self.table([]).isEmpty)
        #expect(self.table([]).rendered() == "job  tries  reason\n")
    }

    @Test func measuresColumnsOfTheScreenNotBytes() {
        #expect(
            table([["é", "1", "x"], ["e\u{301}", "1", "x"], ["日本", "1", "x"], ["👍🏽", "1", "x"]]).rendered() == """
                job   tries  reason
                é         1  x
                e\u{301}         1  x
                日本      1  x
                👍🏽        1  x

                """)
    }

    @Test func onlyColumnsThatMayShrinkGiveWay() {
        let wide = table([["a-very-long-job-name", "1", "unexpected_status"]])
        #expect(
            wide.rendered(width: 40) == """
                job             tries  reason
                a-very-long-j…      1  unexpected_status

                """)
        #expect(wide.rendered(width: 10).contains("a-very-…      1  unexpected_status"))
    }

    @Test func dataCannotWriteEscapeSequences() {
        #expect(table([["\u{1B}[31mred\n", "1", "\u{202E}x"]]).rendered().contains("\u{FFFD}[31mred\u{FFFD}"))
        #expect(!table([["a", "1", "\u{202E}x"]]).rendered().unicodeScalars.contains("\u{202E}"))
    }

    @Test func cutsAtWholeCharacters() {
        #expect(DisplayText.cut("日本語", to: 4) == "日…")
        #expect(DisplayText.cut("日本語", to: 6) == "日本語")
        #expect(DisplayText.cut("abc", to: 1) == "…")
        #expect(DisplayText.cut("abc", to: 0) == "")
    }
}
