import Foundation
import Testing

/// A delivery is settled once: the compiler sees to it, and this that it does.
@Suite struct DeliveryTests {
    @Test func oneSettlementCompiles() throws {
        let outcome = try compile("func settle(_ delivery: consuming Delivery) { delivery.ack() }")
        #expect(outcome.status == 0, "\(outcome.text)")
    }

    @Test(arguments: [
        "func settle(_ delivery: consuming Delivery) { delivery.ack(); delivery.ack() }",
        "func settle(_ delivery: consuming Delivery) { delivery.requeue(); delivery.ack() }",
        "func settle(_ delivery: consuming Delivery) { let other = delivery; other.ack(); delivery.ack() }",
    ])
    func aSecondDoesNot(source: String) throws {
        let outcome = try compile(source)
        #expect(outcome.status != 0)
        #expect(outcome.text.contains("consumed more than once"), "\(outcome.text)")
    }

    /// To the point where moves are checked, which comes after the types.
    private func compile(_ source: String) throws -> (status: Int32, text: String) {
        let products = URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("delivery-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("source.swift")
        try "@testable import AMQP\n\(source)\n".write(to: file, atomically: true, encoding: .utf8)
        let cModules = try FileManager.default.contentsOfDirectory(at: products, includingPropertiesForKeys: nil)
            .map { $0.appendingPathComponent("module.modulemap") }
            .filter { FileManager.default.fileExists(atPath: $0.path) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            [
                "swiftc", "-swift-version", "6", "-emit-sil", "-o", "/dev/null", "-I",
                products.appendingPathComponent("Modules").path, "-Xcc", "-D_GNU_SOURCE",
            ] + cModules.flatMap { ["-Xcc", "-fmodule-map-file=\($0.path)"] } + [file.path]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}
