import Concurrency
import Foundation
import JSON
import Monitoring
import Operations
import ScriptedPeer
import Secrets
import Service

/// The admin listener, as far as the page sees it.
final class PageServer: Sendable {
    enum Answer: Sendable {
        case status(DaemonStatus)
        case refusal(String)
        /// The connection ends without a byte.
        case nothing
    }

    private let asked = Lock<[String]>([])
    private let answer: @Sendable (Int) -> Answer
    private let page: [UInt8]
    private let policy: String

    /// - Parameters:
    ///   - driver: a script of the test's that runs in the page after the page's own, by the policy's leave.
    ///   - policy: instead of the page's own.
    ///   - answer: to the nth question for the status, from 0.
    init(driver: String? = nil, policy: String? = nil, answer: @escaping @Sendable (Int) -> Answer) {
        self.answer = answer
        var page = AdminPage.html
        var granted = policy ?? AdminPage.contentSecurityPolicy
        if let driver {
            let hash = Base64.encoded(SHA256Digest(of: Array(driver.utf8)).bytes)
            granted = granted.replacingOccurrences(of: "script-src ", with: "script-src 'sha256-\(hash)' ")
            page += Array("<script>\(driver)</script>".utf8)
        }
        self.page = page
        self.policy = granted
    }

    /// Paths, in the order in which they were asked.
    var paths: [String] { asked.withLock { $0 } }

    func serve<Result>(_ body: (UInt16) async throws -> Result) async throws -> Result {
        try await RawPeer.serving({ try self.answer($0) }) { try await body($0.port) }
    }

    private func answer(_ connection: RawConnection) throws {
        // A browser opens connections that it then does not use.
        guard let request = try? connection.readRequest() else { return }
        let path = request.requestLine.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        let count = asked.withLock { paths in
            defer { paths.append(path) }
            return paths.count { $0 == path }
        }
        switch path {
        case "/":
            try connection.answer(
                fields: [
                    "Content-Type: text/html; charset=utf-8", "Content-Security-Policy: \(policy)",
                    "Connection: close",
                ], body: page)
        case "/status":
            switch answer(count) {
            case .status(let status):
                try connection.answer(
                    fields: ["Content-Type: application/json", "Connection: close"], body: status.json.encoded())
            case .refusal(let status): try connection.answer(status, fields: ["Connection: close"])
            case .nothing: break
            }
        default: try connection.answer("404 Not Found", fields: ["Connection: close"])
        }
    }
}
