import Testing

@testable import Settings

@Suite struct TOMLDocumentTests {
    private func members(_ text: String) throws -> [TOMLValue.Member] {
        try TOMLDocument(parsing: Array(text.utf8)).members
    }

    private func value(_ content: TOMLValue.Content, _ line: Int, _ column: Int) -> TOMLValue {
        TOMLValue(content: content, position: TOMLValue.Position(line: line, column: column))
    }

    /// toml++ asserts here, in front of an error of its own: a fuzzer's find.
    @Test(arguments: ["[:a]", "[a]\n[=]", "[[ : ]]", "[a.:b]", "[\u{1}a]"])
    func aTableWithAnImpossibleNameIsAFaultAndNotTheEndOfTheProcess(text: String) {
        #expect {
            try TOMLDocument(parsing: Array(text.utf8))
        } throws: { error in
            (error as? TOMLDocument.SyntaxFault)?.position.line == text.split(separator: "\n").count
        }
    }

    /// A fuzzer's find: one fault is one line.
    @Test func aFaultThatQuotesTheEndOfALineIsOneLine() {
        #expect {
            try TOMLDocument(parsing: Array("a = f\n".utf8))
        } throws: { error in
            (error as? TOMLDocument.SyntaxFault).map { $0.problem.contains("saw 'f '") } == true
        }
    }

    @Test func everyKindKeepsItsTypeAndPlace() throws {
        let text = """
            s = "a\\u0000é"
              i = -9223372036854775808
            f = 1.0
            b = true
            d = 2026-11-23
            """
        let members = try members(text)
        #expect(members.map(\.key) == ["s", "i", "f", "b", "d"])
        #expect(
            members.map(\.value) == [
                value(.string("a\0é"), 1, 5), value(.integer(.min), 2, 7), value(.float(1), 3, 5),
                value(.boolean(true), 4, 5), value(.dateTime("2026-11-23"), 5, 5),
            ])
        #expect(members[1].position == TOMLValue.Position(line: 2, column: 3))
    }

    @Test func arraysAndTablesKeepOrderAndElementPlaces() throws {
        let members = try members("z = [1, [\"x\"],\n  {k = 2}]\na.b = 3\n")
        #expect(members.map(\.key) == ["z", "a"])
        guard case .array(let elements) = members[0].value.content else {
            Issue.record("an array")
            return
        }
        #expect(elements[0] == value(.integer(1), 1, 6))
        #expect(elements[1] == value(.array([value(.string("x"), 1, 10)]), 1, 9))
        guard case .table(let table) = elements[2].content else {
            Issue.record("a table")
            return
        }
        #expect(table.map(\.key) == ["k"])
        #expect(table[0].value == value(.integer(2), 2, 8))
        guard case .table(let dotted) = members[1].value.content else {
            Issue.record("a dotted key is a table")
            return
        }
        #expect(dotted.map(\.key) == ["b"])
    }

    @Test func nothingIsAnEmptyDocument() throws {
        #expect(try members("").isEmpty)
        #expect(try members("# only a remark").isEmpty)
    }

    @Test(arguments: [
        ("a = 1\nb = = 2", 2), ("a = 1\na = 2", 2), ("x = \"open", 1), ("[t]\n[t]", 2), ("a = 1 b = 2", 1),
        ("s = \"\u{1}\"", 1),
    ])
    func syntaxErrorsSayWhere(text: String, line: Int) {
        let error = #expect(throws: TOMLDocument.SyntaxFault.self) { try members(text) }
        #expect(error?.position.line == line)
        #expect(error?.position.column ?? 0 > 0)
        #expect(error?.problem.isEmpty == false)
    }

    @Test func bytesThatAreNotUTF8AreASyntaxError() {
        #expect(throws: TOMLDocument.SyntaxFault.self) {
            try TOMLDocument(parsing: Array("a = \"".utf8) + [0xFF, 0xFE] + Array("\"".utf8))
        }
    }

    @Test func aKeyOfVeryManyPartsDoesNotExhaustTheStack() throws {
        func text(parts: Int) -> String {
            "x = 1\n" + Array(repeating: "a", count: parts).joined(separator: ".") + " = 1"
        }
        #expect(try members(text(parts: 1_000)).count == 2)
        let error = #expect(throws: TOMLDocument.SyntaxFault.self) { try members(text(parts: 130_000)) }
        #expect(error?.position.line == 2)
    }
}
