import Glibc
import Secrets
import Testing

@Suite final class SecretFileContentsTests {
    private let path: String

    init() throws {
        var template = Array("/tmp/leave-albumd-secret-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        close(descriptor)
        path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }

    deinit { unlink(path) }

    private func write(_ bytes: [UInt8]) throws {
        let file = try #require(fopen(path, "w"))
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }

    @Test(arguments: [0, 1, 4_096, 300_000])
    func readsEveryByte(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        try write(bytes)
        #expect(try SecretFileContents(path: path).secret == Secret(copying: bytes))
    }

    @Test func saysWhetherOthersMayReadIt() throws {
        for (mode, isReadable) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] as [(mode_t, Bool)] {
            chmod(path, mode)
            #expect(try SecretFileContents(path: path).isReadableByOthers == isReadable)
        }
    }

    @Test func refusesWhatIsNoFileWithoutWaiting() throws {
        unlink(path)
        #expect(throws: SecretFileError.unreadable(code: ENOENT)) { try SecretFileContents(path: path) }
        // Nobody writes into it: opening it as usual would wait for ever.
        try #require(mkfifo(path, 0o600) == 0)
        #expect(throws: SecretFileError.notAFile) { try SecretFileContents(path: path) }
        #expect(throws: SecretFileError.notAFile) { try SecretFileContents(path: "/tmp") }
    }

    @Test func refusesWhatIsFarTooLarge() throws {
        try #require(truncate(path, off_t(SecretFileContents.largest) + 1) == 0)
        #expect(throws: SecretFileError.tooLarge) { try SecretFileContents(path: path) }
    }
}
