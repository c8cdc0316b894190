import Foundation
import Testing

/// Whatever a program of ours prints goes through `StandardStream`, and whatever way it ends through `end`: so a new
/// command cannot forget to look whether its output arrived.
@Suite struct OutputTests {
    private func found(_ words: [String], except files: Set<String>) throws -> [String] {
        try Tree.swiftFiles("Sources").filter { !files.contains($0.path) }.flatMap { file in
            let code = Tree.code(of: file.text)
            return words.filter { code.contains($0) }.map { "\(file.path): \($0)" }
        }
    }

    @Test func nothingIsPrintedPastTheStream() throws {
        let words = [" print(", "\tprint(", "fputs(", "puts(", "putchar(", "printf(", "FileHandle", "STDOUT_FILENO"]
        #expect(
            try found(
                words, except: ["Terminal/Output/StandardStream.swift", "Concurrency/System/StandardDescriptors.swift"])
                == [])
    }

    @Test func theProcessEndsInOnePlace() throws {
        let exits = try found(
            [" exit("],
            except: [
                "CLI/Commands.swift", "photos-simulator/Simulator.swift",
                "photos-simulator/Service/SimulatedService.swift",
            ])
        #expect(exits == [])
        let commands = try #require(
            try Tree.swiftFiles("Sources").first { $0.path == "CLI/Commands.swift" })
        #expect(Tree.code(of: commands.text).occurrences(of: " exit(") == 2, "both are in `end`")
    }

    @Test func bothProgramsSayTheSameVersion() throws {
        #expect(try Program.daemon("--version").text == Program.daemon("version").text)
        let simulator = try Program.simulator("--version")
        #expect(simulator.status == 0)
        #expect(
            simulator.text.split(separator: " ").last
                == (try Program.daemon("--version").text.split(separator: " ").last))
    }
}
