import Clocks
import Concurrency
import Foundation
import PrivateBroker

@testable import Jobs
@testable import Pipeline

/// A text of metrics as a scraper reads it: series → value.
struct Scrape {
    var samples: [String: String] = [:]

    init(_ text: String) {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " ") else { continue }
            samples[String(line[..<space])] = String(line[line.index(after: space)...])
        }
    }
}

/// Prometheus' own judgement of a text.
enum Promtool {
    static func check(_ text: String) async throws -> (ending: ChildProcess.Ending?, message: String) {
        let folder = try TemporaryDirectory("promtool")
        let file = try folder.write("metrics", text)
        let (ending, message) = try await ChildProcess.run(["/bin/sh", "-c", "promtool check metrics <'\(file.path)'"])
        return (ending, message)
    }
}

extension Hold {
    static func example(_ cause: HoldCause, since: Timestamp, nextProbeAt: Timestamp?) -> Hold {
        var hold = Hold(cause: cause, since: since, detail: "for an example")
        hold.nextProbeAt = nextProbeAt
        return hold
    }
}
