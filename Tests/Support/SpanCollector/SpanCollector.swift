import Foundation
package import JSON
package import PrivateBroker
import RepositoryFiles

/// A collector that is not ours: `scripts/testbed/collector.py`, which reads with protobuf and OpenTelemetry's packages of
/// PyPI, https://pypi.org/project/opentelemetry-proto/, and keeps every span as a line.
package final class SpanCollector: Sendable {
    private let child: ChildProcess
    private let file: URL
    /// The base of its OTLP over HTTP.
    package let endpoint: String

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Its files are in `directory`. Whoever makes one ends it.
    package init(in directory: TemporaryDirectory) async throws {
        file = directory.file("spans.jsonl")
        let port = directory.file("collector.port")
        child = try ChildProcess(
            ["/usr/bin/python3", "-B", RepositoryFile.path("scripts/testbed/collector.py"), port.path, file.path],
            environment: ["PYTHONPATH": RepositoryFile.path(".build/python")],
            output: directory.file("collector.out"))
        while !FileManager.default.fileExists(atPath: port.path) {
            guard child.isRunning else {
                throw Failure(description: "scripts/install-dependencies --tests was not run: \(child.text)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        endpoint = "http://127.0.0.1:\(try String(contentsOf: port, encoding: .utf8).dropLast())"
    }

    /// What it has so far. Throws what it could not read, or would not.
    package func spans() throws -> [JSONValue] {
        let spans = try finishedLines(of: file).map { try JSONValue.parse(Array($0.utf8)) }
        if let error = spans.compactMap({ $0["error"]?.text }).first { throw Failure(description: error) }
        return spans
    }

    /// The first look at which there are so many, or the look after which it has ended.
    package func spans(atLeast count: Int) async throws -> [JSONValue] {
        while true {
            let spans = try spans()
            guard spans.count < count else { return spans }
            guard child.isRunning else { throw Failure(description: child.text) }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    package func end() async {
        child.signal(SIGKILL)
        _ = await child.wait()
    }
}
