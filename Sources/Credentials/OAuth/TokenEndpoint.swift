package import Clocks
import Concurrency
package import HTTP
import JSON
package import Secrets

/// The authorization server's token endpoint, for refreshing: RFC 6749, section 6.
package struct TokenEndpoint: Sendable {
    private let engine: HTTPEngine
    private let url: String
    private let clientSecret: @Sendable () throws -> Secret?
    private let clock: any TimeSource

    /// `clientSecret` is asked at each refresh, so that a new one is used as soon as it is there. Nil: the client has
    /// none. If it throws, nothing is asked: without its secret the client would be refused as a stranger.
    package init(
        engine: HTTPEngine, url: String, clientSecret: @escaping @Sendable () throws -> Secret?,
        clock: any TimeSource
    ) {
        self.engine = engine
        self.url = url
        self.clientSecret = clientSecret
        self.clock = clock
    }

    /// `beginsBefore`: from then on nothing is sent, and the endpoint is as one that cannot be reached. Nil: whenever.
    package func refresh(_ grant: Grant, beginsBefore: MonotonicTime? = nil) async -> RefreshAnswer {
        var form = Array("grant_type=refresh_token&client_id=".utf8) + PercentEncoding.encode(grant.clientID.utf8)
        let secret: Secret?
        do {
            secret = try clientSecret()
        } catch {
            let detail = "the client's secret cannot be read: \(error)"
            return DescriptorShortage.now() == nil ? .misconfigured(detail) : .unavailable(detail, retryAfter: nil)
        }
        if let secret {
            form += Array("&client_secret=".utf8)
            secret.withUnsafeBytes { form += PercentEncoding.encode($0) }
        }
        form += Array("&refresh_token=".utf8)
        grant.refreshToken.withUnsafeBytes { form += PercentEncoding.encode($0) }
        let body = Secret(copying: form)
        _ = form.withUnsafeMutableBytes { $0.initializeMemory(as: UInt8.self, repeating: 0) }
        let request = HTTPRequest(
            .post, url: url,
            fields: [
                HTTPField("Content-Type", "application/x-www-form-urlencoded"), HTTPField("Accept", "application/json"),
            ], body: body, beginsBefore: beginsBefore)
        return RefreshAnswer(await engine.send(request), now: clock.wall())
    }
}
