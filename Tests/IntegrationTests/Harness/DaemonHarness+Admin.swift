import Foundation
import PrivateBroker

/// The daemon's HTTP, as a scraper reaches it.
extension DaemonHarness {
    /// `127.0.0.1:40123`: the port that the daemon of now was given.
    func adminAddress() async throws -> String {
        var address: Substring?
        try await eventually("the daemon says where its endpoints are") {
            let line = log.split(separator: "\n").last { $0.contains("admin endpoints") }
            address = line?.firstMatch(of: /127\.0\.0\.1:[0-9]+/)?.output
            return address != nil
        }
        return String(address ?? "")
    }

    /// `message` are more of curl's.
    func endpoint(_ path: String, _ message: String...) async throws -> (status: Int, text: String) {
        let url = "http://\(try await adminAddress())\(path)"
        let (ending, text) = try await ChildProcess.run(
            ["/usr/bin/curl", "-sS", "-w", "%{http_code}"] + message + [url])
        guard ending == .exited(0) else { throw Failure(description: "\(url): \(text)") }
        return (Int(text.suffix(3)) ?? 0, String(text.dropLast(3)))
    }

    /// The value of one series of `/metrics`; nil if it is not there.
    func metric(_ series: String) async throws -> String? {
        try await endpoint("/metrics").text.split(separator: "\n").last { $0.hasPrefix("\(series) ") }
            .map { String($0.dropFirst(series.utf8.count + 1)) }
    }
}
