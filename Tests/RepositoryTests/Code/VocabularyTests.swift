import Foundation
import Testing

/// The words of docs/glossary.md are those of the sources: what it names exists, what it retired is gone.
@Suite struct VocabularyTests {
    /// The retired words that no identifier may have as a part, each with its forms. The glossary's table has more:
    /// as parts of other names, those mean what they usually mean.
    static let retired: [[String]] = [
        ["announcer"],
        ["board"],
        ["company"],
        ["complaint", "complaints"],
        ["condemn", "condemned"],
        ["departure"],
        ["desk"],
        ["door"],
        ["everybodys"],
        ["floor", "floors"],
        ["fold", "folded", "folding", "folds"],
        ["hand"],
        ["letter", "letters"],
        ["mandate"],
        ["mint", "minted"],
        ["neighbour", "neighbours"],
        ["owed"],
        ["patience"],
        ["relinquish"],
        ["ring", "rings"],
        ["room", "rooms"],
        ["stamp"],
        ["standing", "standings"],
        ["stories", "story"],
        ["switchboard"],
        ["timekeeper"],
        ["told"],
        ["troubled"],
        ["walk"],
        ["words"],
        ["world", "worlds"],
    ]
    static let retiredParts = Set(retired.flatMap { $0 })
    /// Those that names of tests may have, for they are sentences and these words also mean what they usually mean.
    static let ordinaryInSentences: Set<String> = ["hand", "standing", "words"]
    /// Those that no comment has: in a sentence too they would mean what they meant in earlier code.
    static let retiredInComments = retiredParts.subtracting(ordinaryInSentences).subtracting(["told"])
    static let retiredIdentifiers: Set<String> = ["mustAsk"]
    /// Names of the standard library.
    static let allowed: Set<String> = ["isLetter"]

    /// The retired word of an identifier; nil if it has none. A dead letter is AMQP's own word.
    static func retiredWord(in identifier: String) -> String? {
        if allowed.contains(identifier) { return nil }
        if retiredIdentifiers.contains(identifier) { return identifier }
        let parts = SwiftLexer.parts(of: identifier)
        for (index, part) in parts.enumerated() where retiredParts.contains(part) {
            if part.hasPrefix("letter"), index > 0, parts[index - 1] == "dead" { continue }
            return part
        }
        return nil
    }

    /// The retired words of a comment, which may go over several lines.
    static func retiredWords(inComment text: String) -> [String] {
        // What letters are outside of queues, and a word of RFC 9112.
        let ordinary =
            /(?i)dead[- ]letters?|letters(?:,| and) digits|three letters|small letters|letter beyond ASCII|line-folding/
        let rest = text.replacing(ordinary, with: "")
        let words = rest.matches(of: /[A-Za-z_]+/).map { $0.output.lowercased() }.filter(retiredInComments.contains)
        return words + rest.matches(of: /(?i)in hand\b|worker's hands/).map { String($0.output) }
    }

    /// Each comment of a text as one line: what follows `//` at a line's beginning or end, and on the lines after it.
    static func comments(of text: String) -> [String] {
        var comments: [String] = []
        var isInside = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            guard let match = line.firstMatch(of: /(^|[^:"])\/\/+(.*)/) else {
                isInside = false
                continue
            }
            let isWholeLine = line.drop { $0 == " " }.hasPrefix("//")
            if isInside, isWholeLine, let last = comments.popLast() {
                comments.append(last + match.output.2)
            } else {
                comments.append(String(match.output.2))
            }
            isInside = isWholeLine
        }
        return comments
    }

    /// The rows of the table that has this head.
    private func rows(under head: String) throws -> [[String]] {
        let parts = try Tree.text("docs/glossary.md").components(separatedBy: "\n\(head)\n")
        try #require(parts.count == 2, "there is one table with the head \(head)")
        return parts[1].split(separator: "\n", omittingEmptySubsequences: false).dropFirst().prefix {
            $0.hasPrefix("|")
        }
        .map { line in line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
    }

    /// Of each file of the sources, in their order.
    private static let identifiers: [[String]] =
        ((try? Tree.swiftFiles("Sources")) ?? []).map { SwiftLexer.identifiers(of: $0.text) }

    @Test func noIdentifierHasARetiredWord() {
        let found = Self.identifiers.reduce(into: Set<String>()) { $0.formUnion($1) }
        #expect(found.count > 4000, "the search is broken if it finds few")
        #expect(found.filter { Self.retiredWord(in: $0) != nil }.sorted() == [])
    }

    @Test func noCommentHasARetiredWord() throws {
        var count = 0
        var found: [String] = []
        for file in try Tree.swiftFiles("Sources") {
            for comment in Self.comments(of: file.text) {
                count += 1
                for word in Self.retiredWords(inComment: comment) {
                    found.append("\(file.path): \(word) in \(comment)")
                }
            }
        }
        #expect(count > 3000, "the search is broken if it finds few")
        #expect(found == [], "docs/glossary.md says, under the words not used, what to write instead")
    }

    @Test func noTestIsNamedWithARetiredWord() throws {
        var count = 0
        var found: [String] = []
        for file in try Tree.swiftFiles("Tests") {
            let names = Tree.code(of: file.text).matches(of: /\b(?:func|struct|class|enum|extension) `?(\w+)/)
            for name in names.map({ String($0.output.1) }) {
                count += 1
                guard let word = Self.retiredWord(in: name), !Self.ordinaryInSentences.contains(word) else { continue }
                found.append("\(file.path): \(name)")
            }
        }
        #expect(count > 1500, "the search is broken if it finds few")
        #expect(found == [])
    }

    @Test func theGlossaryHasEveryRetiredWord() throws {
        let entries = try rows(under: "| not | but |").flatMap { row in
            row[0].replacing(/\([^)]*\)/, with: "").split(separator: ",").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
        #expect(entries.count > 25, "the search is broken if it finds few")
        let words = Set(entries.flatMap { $0.replacing("'", with: "").split(separator: " ").map(String.init) })
        #expect(Self.retired.filter { words.isDisjoint(with: $0) } == [])
    }

    @Test func eachTermStandsOnceAndInOrder() throws {
        let terms = try rows(under: "| term | meaning | type or file |").map { $0[0].lowercased() }
        #expect(terms.count > 60, "the search is broken if it finds few")
        #expect(terms == terms.sorted())
        #expect(Set(terms).count == terms.count)
    }

    /// A name in upper case is a type, with its member; a name that ends in .swift is a file; a path is below the root.
    @Test func whatTheGlossaryNamesExists() throws {
        let files = try Tree.swiftFiles("Sources")
        var faults: [String] = []
        for row in try rows(under: "| term | meaning | type or file |") {
            for name in row[2].matches(of: /`([^`]+)`/).map({ String($0.output.1) }) where !exists(name, in: files) {
                faults.append("\(row[0]): \(name)")
            }
        }
        #expect(faults == [])
    }

    private func exists(_ name: String, in files: [Tree.File]) -> Bool {
        if name.hasSuffix(".swift") { return files.contains { "/\($0.path)".hasSuffix("/\(name)") } }
        if name.hasPrefix("Sources/") {
            return FileManager.default.fileExists(atPath: Tree.root.appendingPathComponent(name).path)
        }
        let names = name.split(separator: ".").map(String.init)
        guard let type = names.first, type.first?.isUppercase == true else { return true }
        let kinds: Set = ["struct", "enum", "class", "protocol", "actor", "typealias", "extension"]
        var isDeclared = false
        var identifiers: Set<String> = []
        for words in Self.identifiers {
            let named = zip(words, words.dropFirst()).filter { kinds.contains($0) && $1 == type }.map(\.0)
            if named.contains(where: { $0 != "extension" }) { isDeclared = true }
            if !named.isEmpty { identifiers.formUnion(words) }
        }
        return isDeclared && names.dropFirst().allSatisfy(identifiers.contains)
    }

    @Test func theLexerReadsWhatIsCode() {
        let text = ##"""
            let first = "a word \(second("third \(fourth)")) fifth" // sixth
            /* seventh /* eighth */ ninth */ let tenth = #"eleventh \(twelfth) \#(thirteenth)"#
            let fourteenth = "\"fifteenth" + """
                sixteenth "seventeenth" \(eighteenth)
                """ + 0xFEED
            """##
        #expect(
            SwiftLexer.identifiers(of: text).filter { $0 != "let" } == [
                "first", "second", "fourth", "tenth", "thirteenth", "fourteenth", "eighteenth",
            ])
        #expect(
            SwiftLexer.parts(of: "holdsHTTPReplyOf_deadLetter2") == ["holds", "http", "reply", "of", "dead", "letter"])
    }

    @Test func theGuardSeesWhatIsRetired() {
        for identifier in ["openLetter", "LetterDesk", "mustAsk", "hasRoom", "isTold", "errorWords", "ring"] {
            #expect(Self.retiredWord(in: identifier) != nil, "\(identifier)")
        }
        for comment in [" takes the letter\n", " what is in hand of it", " The world's fault"] {
            #expect(Self.retiredWords(inComment: comment) != [], "\(comment)")
        }
        for comment in [" dead letters, in-flight", " letters and digits", " hands it back, in other words"] {
            #expect(Self.retiredWords(inComment: comment) == [], "\(comment)")
        }
        #expect(
            Self.comments(of: "/// It is in\n/// hand.\nlet a = 1 // the world\nlet url = \"https://x\"") == [
                " It is in hand.", " the world",
            ])
        for identifier in ["deadLetters", "DeadLetterQueue", "isLetter", "handler", "string", "password", "Timestamp"] {
            #expect(Self.retiredWord(in: identifier) == nil, "\(identifier)")
        }
    }
}
