import Concurrency
import Glibc
import Testing

@testable import Files

@Suite struct PrivateFolderTests {
    private let parent = OutputFileTests.Folder()
    private static let bytes = Array("text".utf8)

    private var path: String { "\(parent.path)/directory" }

    private func refusal(of name: String, atMost most: Int = 9) throws -> String {
        do {
            _ = try PrivateFolder(path).read(name, atMost: most)
        } catch {
            return "\(error)"
        }
        return ""
    }

    private func empty() throws {
        let folder = try PrivateFolder(path)
        for name in try folder.names() { try folder.remove(name) }
    }

    @Test func whatIsWrittenIsItsOwnersAloneAndWhole() throws {
        let folder = try PrivateFolder(path)
        #expect(try folder.names() == [] && folder.read("a", atMost: 9) == nil)
        try folder.write("a", Self.bytes)
        try folder.write("a", Self.bytes + Self.bytes)
        #expect(try folder.names() == ["a"])
        #expect(try PrivateFolder(path).read("a", atMost: 9) == Self.bytes + Self.bytes)
        var status = stat()
        #expect(stat("\(path)/a", &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o700)
        try folder.rename("a", to: "b")
        try folder.remove("b")
        // Somebody else was quicker.
        try folder.remove("b")
        #expect(try folder.names() == [])
    }

    @Test func aFileThatSomebodyElseMayHaveWrittenOrReadIsRefused() throws {
        let folder = try PrivateFolder(path)
        try folder.write("a", Self.bytes)
        #expect(try refusal(of: "a", atMost: 3).contains("4 bytes, more than 3"))
        chmod("\(path)/a", 0o640)
        #expect(try refusal(of: "a").contains("others may read"))
        symlink("a", "\(path)/link")
        #expect(try refusal(of: "link").contains("symbolic link"))
        mkfifo("\(path)/pipe", 0o600)
        #expect(try refusal(of: "pipe").contains("no regular file"))
        if geteuid() == 0 {
            chmod("\(path)/a", 0o600)
            chown("\(path)/a", 1, 1)
            #expect(try refusal(of: "a").contains("another user"))
        }
        try empty()
    }

    @Test func aFolderIntoWhichOthersWriteIsNone() throws {
        _ = try PrivateFolder(path)
        chmod(path, 0o720)
        #expect(throws: PrivateFolder.Failure.self) { try PrivateFolder(path) }
        rmdir(path)
        parent.write("", to: "file")
        #expect(throws: PrivateFolder.Failure.self) { try PrivateFolder("\(parent.path)/file") }
        #expect(throws: PrivateFolder.Failure.self) { try PrivateFolder("\(parent.path)/none/directory") }
    }
}
