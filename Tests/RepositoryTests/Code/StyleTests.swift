import Foundation
import Testing

/// What holds for every file.
@Suite struct StyleTests {
    static let longestFile = 350
    static let mostFilesOfFolder = 16
    /// Whose types every module has in its hands for each job.
    static let publicModules: Set<String> = ["Clocks", "Concurrency", "JSON", "Jobs", "Secrets"]
    static let uncheckedAllowed = 3
    static let forbiddenWords = ["try" + "!", "as" + "!", "fatalError" + "(", "TO" + "DO", "FIX" + "ME"]
    static let forbiddenNames = ["Manager", "Helper", "Util", "Common"]

    @Test func noFileIsLongerThanAReaderBears() throws {
        for folder in ["Sources", "Tests"] {
            let long = try Tree.swiftFiles(folder).filter { $0.lineCount > Self.longestFile }
            #expect(long.map { "\($0.path): \($0.lineCount) lines" } == [])
        }
    }

    @Test func noFolderHasMoreFilesThanAReaderOverlooks() throws {
        for folder in ["Sources", "Tests"] {
            let files = Dictionary(grouping: try Tree.swiftFiles(folder), by: \.folder)
            let full = files.filter { $0.value.count > Self.mostFilesOfFolder }
            #expect(full.map { "\(folder)/\($0.key): \($0.value.count) files" } == [])
        }
    }

    /// What a module offers is for this package: nothing outside needs it. But the compiler specializes and inlines
    /// across modules only what is public, and a job's id, an instant or a mailbox is used too often to go without.
    @Test func onlyWhatEveryJobUsesIsPublic() throws {
        for file in try Tree.swiftFiles("Sources") {
            let isPublic = Self.publicModules.contains(file.module)
            let found = Set(SwiftLexer.identifiers(of: file.text)).intersection(["public", "package"])
            #expect(found.isSubset(of: [isPublic ? "public" : "package"]), "\(file.path)")
        }
    }

    /// A type that has the name of a module hides it: then nothing of the module can be named in full.
    @Test func noTypeIsNamedLikeAModule() throws {
        let files = try Tree.swiftFiles("Sources")
        let cModules = try FileManager.default.contentsOfDirectory(
            atPath: Tree.root.appendingPathComponent("Sources/C").path)
        let modules = Set(files.map(\.module)).union(cModules)
        var found: [String] = []
        var count = 0
        for file in files {
            for type in Self.topLevelTypes(of: file.text) {
                count += 1
                if modules.contains(type) { found.append("\(file.path): \(type)") }
            }
        }
        #expect(found == [])
        #expect(count > 300, "the search is broken if it finds few")
        #expect(
            Self.topLevelTypes(of: "@a package final class Jobs {\n    struct Inner {}\n}\nenum B: C {}") == [
                "Jobs", "B",
            ])
    }

    private static func topLevelTypes(of text: String) -> [String] {
        text.matches(of: /(?m)^(?:[@a-z][\w()]* )*(?:struct|enum|class|protocol|actor|typealias) (\w+)/)
            .map { String($0.output.1) }
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
            [#"\(prefix)."#, ".prefix).", "x-leave-album"].contains { Tree.code(of: file.text).contains($0) }
        }
        #expect(Set(files.map(\.module)) == ["Messages"], "\(files.map(\.path))")
    }

    @Test func noFileIsNamedForNothing() throws {
        let named = try Tree.swiftFiles("Sources").map(\.path).filter { path in
            Self.forbiddenNames.contains { path.split(separator: "/").last?.contains($0) == true }
        }
        #expect(named == [])
    }
}

extension Tree.File {
    /// As editors count.
    var lineCount: Int { text.split(separator: "\n", omittingEmptySubsequences: false).count - 1 }
    var folder: String { path.split(separator: "/").dropLast().joined(separator: "/") }
}

extension String {
    func occurrences(of word: String) -> Int { components(separatedBy: word).count - 1 }
}
