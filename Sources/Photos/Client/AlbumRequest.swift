import JSON
public import Jobs
public import Secrets

/// The probe, `GET {base_url}/v1/sharedAlbums/{shareToken}`: is the user still in the album? The path holds the token
/// and is never logged.
public struct AlbumRequest: Sendable {
    /// ASCII, to be appended to the base URL.
    public let path: Secret

    public init(shareToken: ShareToken) {
        let token = shareToken.secret.withUnsafeBytes { Array($0) }
        path = Secret(copying: Array("/v1/sharedAlbums/".utf8) + PercentEncoding.encode(token))
    }
}
