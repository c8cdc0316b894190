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
    private let job: @Sendable (Int) -> AdminReply
    private let page: [UInt8]
    private let policy: String

    /// - Parameters:
    ///   - driver: a script of the test's that runs in the page after the page's own, by the policy's leave.
    ///   - policy: instead of the page's own.
    ///   - job: the answer to the nth question for a job's page, from 0; its script is followed by the driver too.
    ///   - answer: to the nth question for the status, from 0.
    init(
        driver: String? = nil, policy: String? = nil,
        job: @escaping @Sendable (Int) -> AdminReply = { _ in .text("no job", status: 404) },
        answer: @escaping @Sendable (Int) -> Answer
    ) {
        self.answer = answer
        self.job = { number in
            guard let driver else { return job(number) }
            var reply = job(number)
            let hash = Base64.encoded(SHA256Digest(of: Array(driver.utf8)).bytes)
            reply.contentSecurityPolicy = reply.contentSecurityPolicy.replacingOccurrences(
                of: "script-src ", with: "script-src 'sha256-\(hash)' ")
            reply.body += Array("<script>\(driver)</script>".utf8)
            return reply
        }
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

    /// Of pages of jobs alone.
    convenience init(driver: String? = nil, ofJob job: @escaping @Sendable (Int) -> AdminReply) {
        self.init(driver: driver, job: job) { _ in .nothing }
    }

    /// Paths, in the order in which they were asked.
    var paths: [String] { asked.withLock { $0 } }

    func serve<Result>(_ body: (UInt16) async throws -> Result) async throws -> Result {
        try await RawPeer.serving({ try self.answer($0) }) { try await body($0.port) }
    }

    private func answer(_ connection: RawConnection) throws {
        // A browser opens connections that it then does not use.
        guard let request = try? connection.readRequest() else { return }
        let target = request.requestLine.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        let path = String(target.prefix { $0 != "?" })
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
        case "/job":
            let reply = job(count)
            try connection.answer(
                "\(reply.status) \(reply.status == 200 ? "OK" : "Not OK")",
                fields: [
                    "Content-Type: \(reply.contentType)", "Content-Security-Policy: \(reply.contentSecurityPolicy)",
                    "Connection: close",
                ], body: reply.body)
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
