import Foundation
import Testing

/// The worker's own headers are a promise: docs/messages.md has each name that the code has, and no other.
@Suite struct HeaderDocumentTests {
    @Test func eachOwnHeaderStandsInTheTable() throws {
        let code = try Tree.text("Sources/Messages/JobHeaders.swift")
        let made = Set(code.matches(of: /= prefix \+ "([a-z0-9-]+)"/).map { String($0.output.1) })
        #expect(made.count >= 20, "the search is broken if it finds few")
        let page = try Tree.text("docs/messages.md")
        let section = try #require(page.components(separatedBy: "\n## The worker's own headers\n").dropFirst().first)
        let rows = section.components(separatedBy: "\n## ")[0].split(separator: "\n").filter { $0.hasPrefix("| `") }
        let documented = Set(
            rows.flatMap { row in
                row.split(separator: "|")[0].matches(of: /`([a-z0-9-]+)`/).map { String($0.output.1) }
            })
        for name in made.symmetricDifference(documented).sorted() {
            Issue.record(
                "\(name) is to be a name of JobHeaders.Name and to have its place in the table of docs/messages.md")
        }
    }
}
