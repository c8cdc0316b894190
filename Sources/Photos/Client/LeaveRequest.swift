import JSON
package import Jobs
package import Secrets

/// The call of `sharedAlbums.leave`: `POST {base_url}/v1/sharedAlbums:leave`, the colon as it is.
package struct LeaveRequest: Sendable {
    /// To be appended to the base URL.
    package static let path = "/v1/sharedAlbums:leave"
    package static let contentType = "application/json"

    /// JSON, UTF-8: `{"shareToken":"…"}`.
    package let body: Secret

    package init(shareToken: ShareToken) {
        let token = shareToken.secret.withUnsafeBytes { Array($0) }
        body = Secret(copying: JSONValue.object([JSONValue.Member("shareToken", .string(token))]).encoded())
    }
}
