import Glibc

/// A file of the checkout that these tests belong to.
package enum RepositoryFile {
    package static func path(_ name: String) -> String {
        "/" + (#filePath.split(separator: "/").dropLast(4) + [name[...]]).joined(separator: "/")
    }

    package static func bytes(_ name: String) throws -> [UInt8] {
        guard let file = fopen(path(name), "r") else { throw Missing(name: name) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var byte = fgetc(file)
        while byte != EOF {
            bytes.append(UInt8(byte))
            byte = fgetc(file)
        }
        return bytes
    }

    /// The cells of a Markdown table's lines, by its head's line; empty if there is no such table.
    package static func table(of name: String, under head: String) throws -> [[String]] {
        let lines = String(decoding: try bytes(name), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.firstIndex(where: { $0 == head }) else { return [] }
        return lines[(first + 2)...].prefix { $0.hasPrefix("|") }.map { line in
            line.split(separator: "|").map { cell in
                String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
        }
    }

    package struct Missing: Error {
        package let name: String
    }
}
