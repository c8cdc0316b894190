import Foundation

/// A program that a test runs to its end.
struct Program {
    var status: Int32
    var text: String

    /// Both of its streams are `text`. Its environment is its own: other tests of this process change theirs.
    static func run(_ words: [String], environment: [String: String] = [:]) throws -> Program {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        let inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LEAVE_ALBUMD_") }
        process.environment = inherited.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Program(status: process.terminationStatus, text: text)
    }

    /// The daemon of this build.
    static func daemon(_ words: String..., environment: [String: String] = [:]) throws -> Program {
        try run(["\(products)/leave-albumd"] + words, environment: environment)
    }

    static func simulator(_ words: String...) throws -> Program {
        try run(["\(products)/photos-simulator"] + words)
    }

    /// Where the programs of this build are: the test program lies beside them.
    static var products: String {
        URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent().path
    }
}

/// A folder for one test.
func withFolder<Answer>(_ body: (URL) throws -> Answer) throws -> Answer {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("package-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}
