import Glibc
import Testing

/// A file of the checkout that these tests belong to.
enum RepositoryFile {
    static func path(_ name: String) -> String {
        "/" + (#filePath.split(separator: "/").dropLast(3) + [name[...]]).joined(separator: "/")
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        let file = try #require(fopen(path(name), "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var byte = fgetc(file)
        while byte != EOF {
            bytes.append(UInt8(byte))
            byte = fgetc(file)
        }
        return bytes
    }
}
