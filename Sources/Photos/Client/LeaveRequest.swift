import JSON
public import Jobs
public import Secrets

/// The call of `sharedAlbums.leave`: `POST {base_url}/v1/sharedAlbums:leave`, the colon as it is.
public struct LeaveRequest: Sendable {
    /// To be appended to the base URL.
    public static let path = "/v1/sharedAlbums:leave"
    public static let contentType = "application/json"

    /// JSON, UTF-8: `{"shareToken":"…"}`.
    public let body: Secret

    public init(shareToken: ShareToken) {
        let token = shareToken.secret.withUnsafeBytes { Array($0) }
        body = Secret(copying: JSONValue.object([JSONValue.Member("shareToken", .string(token))]).encoded())
    }
}
