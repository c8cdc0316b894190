import Foundation
import Testing

/// What fuzzing found worth keeping is tried again with every change, without a fuzzer.
@Suite struct CorpusReplayTests {
    private static let corpora = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fuzzing/corpora")
    /// Of all corpora together: what a checkout bears.
    private static let mostFiles = 200
    private static let mostBytes = 300 << 10

    private static func files(_ target: FuzzTarget) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(
            at: corpora.appendingPathComponent(target.rawValue), includingPropertiesForKeys: nil
        ).sorted { $0.path < $1.path }
    }

    @Test(arguments: FuzzTarget.allCases) func everyKeptInputKeepsItsProperty(target: FuzzTarget) throws {
        let files = try Self.files(target)
        #expect(files.count >= 5, "the corpus of \(target) is gone")
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: file))
            #expect(target.reports(bytes) == [], "\(target)/\(file.lastPathComponent)")
        }
    }

    @Test(arguments: FuzzTarget.allCases) func cutAndFlippedInputsKeepItToo(target: FuzzTarget) throws {
        for file in try Self.files(target) {
            let bytes = [UInt8](try Data(contentsOf: file))
            for cut in stride(from: 1, to: bytes.count, by: max(1, bytes.count / 2)) {
                #expect(target.reports(Array(bytes[..<cut])) == [], "\(file.lastPathComponent) cut to \(cut)")
                var flipped = bytes
                flipped[cut] ^= 1 << UInt8(cut % 8)
                #expect(target.reports(flipped) == [], "\(file.lastPathComponent) with a flipped bit at \(cut)")
            }
        }
    }

    @Test func theCorporaStaySmall() throws {
        let files = try FuzzTarget.allCases.flatMap(Self.files)
        let sizes = try files.map { try Data(contentsOf: $0).count }
        #expect(files.count <= Self.mostFiles)
        #expect(sizes.reduce(0, +) <= Self.mostBytes)
    }
}
