import JSON
package import Jobs
package import Secrets

/// The album query, `GET {base_url}/v1/sharedAlbums/{shareToken}`: is the user still in the album? The path holds the token
/// and is never logged.
package struct AlbumRequest: Sendable {
    /// ASCII, to be appended to the base URL.
    package let path: Secret

    package init(shareToken: ShareToken) {
        let token = shareToken.secret.withUnsafeBytes { Array($0) }
        path = Secret(copying: Array("/v1/sharedAlbums/".utf8) + PercentEncoding.encode(token))
    }
}
