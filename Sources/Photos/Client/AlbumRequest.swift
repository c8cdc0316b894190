import JSON
package import Jobs
package import Secrets

/// The album query, `GET {base_url}/v1/sharedAlbums/{shareToken}`: is the user still in the album? The path holds the token
/// and is never logged.
package struct AlbumRequest: Sendable {
    /// ASCII, to be appended to the base URL.
    package let path: Secret

    /// The path with what may be shown in the place of the token, as OpenTelemetry's conventions have it.
    package static let redactedPath = "/v1/sharedAlbums/REDACTED"
    /// The same for all tokens.
    package static let pathTemplate = "/v1/sharedAlbums/{shareToken}"

    package init(shareToken: ShareToken) {
        let token = shareToken.secret.withUnsafeBytes { Array($0) }
        path = Secret(copying: Array("/v1/sharedAlbums/".utf8) + PercentEncoding.encode(token))
    }
}
