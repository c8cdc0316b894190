import Foundation
import Testing

/// What the house rules say of every file.
@Suite struct StyleTests {
    static let longestFile = 600
    static let uncheckedAllowed = 3
    static let forbiddenWords = ["try" + "!", "as" + "!", "fatalError" + "(", "TO" + "DO", "FIX" + "ME"]
    static let forbiddenNames = ["Manager", "Helper", "Util", "Common"]

    @Test func noFileIsLongerThanAReaderBears() throws {
        let long = try Tree.swiftFiles("Sources").filter { $0.text.split(separator: "\n").count > Self.longestFile }
        #expect(long.map(\.path) == [])
    }

    @Test func uncheckedPromisesAreFew() throws {
        let count = try Tree.swiftFiles("Sources").reduce(0) { total, file in
            total + Tree.code(of: file.text).occurrences(of: "@unchecked " + "Sendable")
                + Tree.code(of: file.text).occurrences(of: "nonisolated" + "(unsafe)")
        }
        #expect(count <= Self.uncheckedAllowed)
        #expect(count > 0, "the lock and the secret have one each: the search is broken if it finds none")
    }

    @Test func noForbiddenWordStandsInTheSources() throws {
        var found: [String] = []
        for file in try Tree.swiftFiles("Sources") {
            for word in Self.forbiddenWords where file.text.contains(word) { found.append("\(file.path): \(word)") }
        }
        #expect(found == [])
    }

    /// Publishers, consumers and workers of other versions rely on the names of queues and headers.
    @Test func theWireContractIsSpeltInOneModule() throws {
        let files = try Tree.swiftFiles("Sources").filter { file in
            ["prefix).", "x-leave-album"].contains { Tree.code(of: file.text).contains($0) }
        }
        #expect(Set(files.map(\.room)) == ["Messages"], "\(files.map(\.path))")
    }

    @Test func noFileIsNamedForNothing() throws {
        let named = try Tree.swiftFiles("Sources").map(\.path).filter { path in
            Self.forbiddenNames.contains { path.split(separator: "/").last?.contains($0) == true }
        }
        #expect(named == [])
    }
}

extension String {
    func occurrences(of word: String) -> Int { components(separatedBy: word).count - 1 }
}
