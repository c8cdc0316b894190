import Foundation
import Testing

/// docs/path.md leads through one delivery's files: each once, in order, and what it asks to be trusted is there.
@Suite struct PathDocumentTests {
    /// What somebody new opens to follow one delivery.
    private static let mostFiles = 45

    private func page() throws -> String { try Tree.text("docs/path.md") }

    @Test func eachStepIsAFileOfItsOwn() throws {
        let steps = try page().matches(of: /(?m)^([0-9]+)\. `([A-Za-z+\/]+\.swift)`/)
        let files = steps.map { String($0.output.2) }
        #expect(steps.compactMap { Int($0.output.1) } == Array(1...max(1, steps.count)))
        #expect(files.count > 30, "the search is broken if it finds few")
        #expect(files.count <= Self.mostFiles)
        #expect(Set(files).count == files.count, "a file is to be opened once")
        let sources = Set(try Tree.swiftFiles("Sources").map(\.path))
        #expect(files.filter { !sources.contains($0) } == [])
    }

    @Test func everyNameOnThePageIsAFileOrAType() throws {
        let files = try Tree.swiftFiles("Sources")
        let fileNames = Set(
            files.compactMap { $0.path.split(separator: "/").last?.dropLast(".swift".count) }.map(String.init))
        let types = Set(
            files.flatMap { file in
                file.text.matches(of: /(?:struct|class|enum|protocol|typealias) ([A-Z]\w+)/).map { String($0.output.1) }
            })
        let names = try page().matches(of: /`([A-Z]\w+(?:\+\w+)*)`/).map { String($0.output.1) }
        #expect(names.count > 60, "the search is broken if it finds few")
        #expect(Set(names).subtracting(fileNames).subtracting(types).sorted() == [])
    }

    /// Where a page says which file to edit or to read, there is one.
    @Test(arguments: ["docs/path.md", "docs/architecture.md", "docs/job-states.md", "CONTRIBUTING.md"])
    func everyFileThatAPageNamesIsThere(page: String) throws {
        let named = try Tree.text(page).matches(of: /`([A-Za-z]+\/[A-Za-z+\/-]+\.(?:swift|toml|yml|json|py|md))`/)
            .map { String($0.output.1) }
        #expect(!named.isEmpty)
        let missing = named.filter { name in
            !["", "Sources/"].contains { folder in
                FileManager.default.fileExists(atPath: Tree.root.appendingPathComponent(folder + name).path)
            }
        }
        #expect(missing == [])
    }
}
