extension AccessToken {
    /// What `sharedAlbums.leave` and the probe need.
    public static let sharingScope = "https://www.googleapis.com/auth/photoslibrary.sharing"

    /// Its scopes are known, and this one is not among them.
    public var lacksSharingScope: Bool {
        scopes.map { !$0.contains(Self.sharingScope) } ?? false
    }
}
