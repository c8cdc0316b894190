import CLinux
import Concurrency
import Glibc
import Testing

@testable import Files

@Suite struct OutputFileTests {
    /// A folder for one test, and what lies in it.
    final class Folder {
        let path: String

        init() {
            var template = Array("/tmp/output-XXXXXX".utf8CString)
            precondition(mkdtemp(&template) != nil, "/tmp can be written")
            path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        deinit {
            for name in names { unlink("\(path)/\(name)") }
            rmdir("\(path)/directory")
            rmdir(path)
        }

        var names: [String] {
            guard let directory = opendir(path) else { return [] }
            defer { closedir(directory) }
            var names: [String] = []
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." { names.append(name) }
            }
            return names.sorted()
        }

        func write(_ text: String, to name: String) {
            let descriptor = CLinux_open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            _ = Glibc.write(descriptor, text, text.utf8.count)
            close(descriptor)
        }

        func text(_ name: String) -> String {
            let descriptor = CLinux_open("\(path)/\(name)", O_RDONLY | O_CLOEXEC, 0)
            defer { close(descriptor) }
            var bytes = [UInt8](repeating: 0, count: 100)
            let count = read(descriptor, &bytes, bytes.count)
            return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        }

        func status(_ name: String) -> stat {
            var status = stat()
            lstat("\(path)/\(name)", &status)
            return status
        }
    }

    private func write(_ text: String, to path: String) throws(OutputFile.Failure) {
        let file = try OutputFile(path)
        try file.write(Array(text.utf8))
        try file.publish()
    }

    private func failure(publishing file: consuming OutputFile) -> OutputFile.Failure? {
        do throws(OutputFile.Failure) {
            try file.publish()
            return nil
        } catch {
            return error
        }
    }

    private func refusal(_ path: String) -> String? {
        do throws(OutputFile.Failure) {
            try write("new", to: path)
            return nil
        } catch {
            guard case .refused(let text) = error else { return nil }
            return text
        }
    }

    @Test func aFileIsNewOrReplacedAndItsOwnersAlone() throws {
        let folder = Folder()
        try write("first", to: folder.path + "/file")
        #expect(folder.text("file") == "first")
        folder.write("an older one", to: "other")
        try write("second", to: folder.path + "/other")
        #expect(folder.text("other") == "second")
        for name in ["file", "other"] { #expect(folder.status(name).st_mode & 0o7777 == 0o600) }
        #expect(folder.names == ["file", "other"])
        let permitted = try OutputFile(folder.path + "/public")
        try permitted.permit(0o644)
        try permitted.publish()
        #expect(folder.status("public").st_mode & 0o7777 == 0o644)
    }

    /// Each by its kind, and each is there afterwards as it was before: the same inode, nothing beside it.
    @Test func whateverIsNoFileIsRefusedAndLeftAlone() throws {
        let folder = Folder()
        folder.write("kept", to: "target")
        #expect(symlink("target", folder.path + "/link") == 0)
        #expect(symlink("nothing", folder.path + "/dangling") == 0)
        #expect(mkfifo(folder.path + "/pipe", 0o600) == 0)
        #expect(mkdir(folder.path + "/directory", 0o700) == 0)
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array("\(folder.path)/socket".utf8)) }
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        #expect(isBound)
        var expected = [
            "link": "symbolic link", "dangling": "symbolic link", "pipe": "a pipe", "directory": "a directory",
            "socket": "a socket",
        ]
        // Only root makes devices, and not in every container.
        if mknod(folder.path + "/device", S_IFCHR | 0o600, makedev(1, 3)) == 0 { expected["device"] = "a device" }
        let before = folder.names
        for (name, word) in expected {
            let inode = folder.status(name).st_ino
            #expect(refusal("\(folder.path)/\(name)")?.contains(word) == true, "\(name)")
            #expect(folder.status(name).st_ino == inode, "\(name)")
        }
        #expect(folder.names == before)
        #expect(folder.text("target") == "kept")
        #expect(refusal("") != nil)
        #expect(refusal("\(folder.path)/new/")?.contains("directory") == true)
    }

    @Test func whatAppearsMeanwhileIsNotReplaced() throws {
        let folder = Folder()
        let file = try OutputFile(folder.path + "/file")
        try file.write(Array("new".utf8))
        folder.write("another's", to: "file")
        #expect(failure(publishing: file) != nil)
        #expect(folder.text("file") == "another's")

        let second = try OutputFile(folder.path + "/file")
        #expect(unlink(folder.path + "/file") == 0)
        #expect(symlink("/dev/null", folder.path + "/file") == 0)
        #expect(failure(publishing: second) != nil)
        #expect(folder.status("file").st_mode & S_IFMT == S_IFLNK)
        #expect(folder.names == ["file"], "nothing half-made is left")
    }

    @Test func whatIsNotPublishedIsGone() throws {
        let folder = Folder()
        do {
            let file = try OutputFile(folder.path + "/file")
            try file.write(Array("half".utf8))
            #expect(folder.names.count == 1)
        }
        #expect(folder.names == [])
        #expect(throws: OutputFile.Failure.self) { _ = try OutputFile(folder.path + "/none/file") }
    }

    /// `exit` ends no scope.
    @Test func theEndOfTheProcessTakesWhatIsUnfinished() throws {
        let folder = Folder()
        let begun = UnfinishedFiles()
        let file = try OutputFile(folder.path + "/file", begun: begun)
        #expect(folder.names.count == 1)
        begun.remove()
        #expect(folder.names == [])
        #expect(failure(publishing: file) != nil)
    }

    @Test func aScratchFolderGoesWithWhatIsInIt() throws {
        let folder = Folder()
        let begun = UnfinishedFiles()
        do {
            var scratch = try ScratchFolder(in: folder.path, begun: begun)
            try scratch.addFolder("inner")
            try scratch.addFile("inner/file", Array("text".utf8))
            #expect(folder.status("\(folder.names[0])/inner/file").st_size == 4)
            #expect(folder.status(folder.names[0]).st_mode & 0o777 == 0o700)
            // A failure leaves nothing either.
            do throws(SystemCallError) {
                try scratch.addFile("inner/file", [])
                Issue.record("there is such a file")
            } catch {
                #expect(error.code == EEXIST)
            }
        }
        #expect(folder.names == [])
        var ended = try ScratchFolder(in: folder.path, begun: begun)
        try ended.addFolder("inner")
        try ended.addFile("inner/file", [])
        begun.remove()
        #expect(folder.names == [], "with the process")
        _ = consume ended
    }

    @Test func theFileOfTheWorkingDirectoryNeedsNoSlash() throws {
        #expect(throws: OutputFile.Failure.self) { _ = try OutputFile(".") }
        #expect(throws: OutputFile.Failure.self) { _ = try OutputFile("/") }
        let name = "output-file-test-\(getpid())"
        defer { unlink(name) }
        try write("here", to: name)
        #expect(access(name, F_OK) == 0)
    }

    private func makedev(_ major: dev_t, _ minor: dev_t) -> dev_t { major << 8 | minor }
}
