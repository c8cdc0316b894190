import Foundation

/// The package's files, found from this one.
enum Tree {
    struct File {
        /// Below the folder that was asked for.
        var path: String
        /// The first folder of the path, which is the module's where the folder is `Sources`.
        var module: String
        var text: String
    }

    struct NotFound: Error {}

    static var root: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    static func swiftFiles(_ folder: String) throws -> [File] {
        let base = root.appendingPathComponent(folder)
        guard let walker = FileManager.default.enumerator(atPath: base.path) else { throw NotFound() }
        var files: [File] = []
        for case let path as String in walker where path.hasSuffix(".swift") && !path.contains(".build/") {
            let text = try String(contentsOf: base.appendingPathComponent(path), encoding: .utf8)
            files.append(File(path: path, module: path.split(separator: "/").first.map(String.init) ?? "", text: text))
        }
        guard !files.isEmpty else { throw NotFound() }
        return files
    }

    /// The words of an enumeration of `Sources/Jobs`, as messages, status and metrics have them.
    static func rawValues(of type: String) throws -> Set<String> {
        let text = try swiftFiles("Sources/Jobs").first { $0.text.contains("enum \(type): String") }?.text ?? ""
        let named = text.matches(of: /case \w+ = "([a-z_]+)"/).map { String($0.output.1) }
        let bare = text.matches(of: /(?m)^    case ([a-z]+)$/).map { String($0.output.1) }
        return Set(named + bare)
    }

    static func imports(of text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            var words = line.split(separator: " ")[...]
            while let first = words.first, ["public", "internal", "package", "private", "@testable"].contains(first) {
                words = words.dropFirst()
            }
            guard words.first == "import" else { return nil }
            words = words.dropFirst()
            if let kind = words.first, ["struct", "class", "enum", "protocol", "func", "let", "var"].contains(kind) {
                words = words.dropFirst()
            }
            return words.first?.split(separator: ".").first.map(String.init)
        }
    }

    /// The text without its comment lines.
    static func code(of text: String) -> String {
        text.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("//") }.joined(separator: "\n")
    }
}
