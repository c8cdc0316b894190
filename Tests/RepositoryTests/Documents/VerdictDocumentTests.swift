import Foundation
import Testing

/// docs/verdicts.md has a row for each number that a log line or the history of a job can print.
@Suite struct VerdictDocumentTests {
    private static let page = Tree.root.appendingPathComponent("docs/verdicts.md")
    /// Rows that are decided before a call: no file of the table has them.
    private static let rowsBeforeCall: Set<Int> = [33, 34, 35]

    private func documented() throws -> [Int] {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            line.firstMatch(of: /^\| ([0-9]+) \|/).flatMap { Int($0.output.1) }
        }
    }

    /// The numbers in the table's own files, wherever they are.
    private func decided() throws -> Set<Int> {
        var numbers: Set<Int> = []
        for file in try Tree.swiftFiles("Sources/Photos") where file.path.contains("VerdictTable") {
            let code = Tree.code(of: file.text)
            numbers.formUnion(code.matches(of: /VerdictRow\(\s*([0-9]+)\s*,/).compactMap { Int($0.output.1) })
        }
        return numbers
    }

    @Test func everyRowOfTheTableIsExplainedOnce() throws {
        let documented = try documented()
        #expect(Set(documented).count == documented.count, "a number is explained twice: \(documented)")
        #expect(documented == documented.sorted())
        let decided = try decided()
        #expect(decided.count >= 30, "the search is broken if it finds few")
        for row in decided.subtracting(documented).sorted() {
            Issue.record("add row \(row) to the table of docs/verdicts.md, and then where its tests say")
        }
        #expect(Set(documented).subtracting(decided) == Self.rowsBeforeCall, "of these no file has a VerdictRow")
    }

    @Test func everyReasonAndEveryHoldIsAWordOfTheProgram() throws {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        let holds = try Tree.rawValues(of: "HoldCause")
        #expect(holds.count >= 17, "the search is broken if it finds few")
        for match in text.matches(of: /holds? `([a-z_]+)`/) {
            #expect(holds.contains(String(match.output.1)), "\(match.output.0)")
        }
        let reasons = try Tree.rawValues(of: "Reason")
        for line in text.split(separator: "\n") {
            for match in line.matches(of: /reason=([a-z_]+)/) {
                #expect(reasons.contains(String(match.output.1)), "\(match.output.0)")
            }
        }
    }
}
