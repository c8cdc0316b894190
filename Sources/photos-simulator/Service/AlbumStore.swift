/// Who owns and who has joined which shared album. Accounts and share tokens are compared as bytes.
struct AlbumStore: Sendable {
    struct Album: Sendable {
        var id: String
        var owner: [UInt8]
        var members: Set<[UInt8]> = []
        /// Of an album that everybody has joined unless he left: those who did.
        var leavers: Set<[UInt8]> = []
        var everybodyJoined = false
        /// Its owner has turned link sharing off: the token is dead, the members stay.
        var isUnshared = false

        func hasJoined(_ account: [UInt8]) -> Bool {
            everybodyJoined ? !leavers.contains(account) : members.contains(account)
        }
    }

    enum Refusal: Equatable, Sendable {
        case unknownToken
        case owner
        case notJoined
        case alreadyJoined
        case noSuchAlbum
    }

    private var albums: [[UInt8]: Album] = [:]
    private var tokensByID: [String: [UInt8]] = [:]
    /// Any share token that begins with `album-` is an album that everybody has joined.
    let autoMembers: Bool

    init(autoMembers: Bool) {
        self.autoMembers = autoMembers
    }

    mutating func seed(token: [UInt8], owner: [UInt8], members: [[UInt8]], isUnshared: Bool = false) {
        let id = "album\(albums.count + 1)"
        albums[token] = Album(id: id, owner: owner, members: Set(members), isUnshared: isUnshared)
        tokensByID[id] = token
    }

    private mutating func find(_ token: [UInt8]) -> Album? {
        if let album = albums[token] { return album.isUnshared ? nil : album }
        guard autoMembers, token.starts(with: "album-".utf8) else { return nil }
        let id = "album\(albums.count + 1)"
        let album = Album(id: id, owner: Array("owner-of-".utf8) + token, everybodyJoined: true)
        albums[token] = album
        tokensByID[id] = token
        return album
    }

    mutating func get(_ token: [UInt8]) -> Result<Album, RefusalError> {
        find(token).map { .success($0) } ?? .failure(RefusalError(.unknownToken))
    }

    mutating func join(_ token: [UInt8], _ account: [UInt8]) -> Result<Album, RefusalError> {
        guard var album = find(token) else { return .failure(RefusalError(.unknownToken)) }
        if album.owner == account { return .failure(RefusalError(.owner)) }
        if album.hasJoined(account) { return .failure(RefusalError(.alreadyJoined)) }
        album.members.insert(account)
        album.leavers.remove(account)
        albums[token] = album
        return .success(album)
    }

    /// Success means that the account was a member and is one no more: the effect that tests count.
    mutating func leave(_ token: [UInt8], _ account: [UInt8]) -> Result<Album, RefusalError> {
        guard var album = find(token) else { return .failure(RefusalError(.unknownToken)) }
        if album.owner == account { return .failure(RefusalError(.owner)) }
        guard album.hasJoined(account) else { return .failure(RefusalError(.notJoined)) }
        album.members.remove(account)
        if album.everybodyJoined { album.leavers.insert(account) }
        albums[token] = album
        return .success(album)
    }

    /// Shares an album of the account's: its token, made up if it had none.
    mutating func share(id: String, _ account: [UInt8]) -> Result<(token: [UInt8], album: Album), RefusalError> {
        if let token = tokensByID[id], var album = albums[token] {
            guard album.owner == account else { return .failure(RefusalError(.owner)) }
            album.isUnshared = false
            albums[token] = album
            return .success((token, album))
        }
        let token = Array("shared-\(id)".utf8)
        albums[token] = Album(id: id, owner: account)
        tokensByID[id] = token
        return albums[token].map { .success((token, $0)) } ?? .failure(RefusalError(.noSuchAlbum))
    }

    struct RefusalError: Error, Equatable {
        let refusal: Refusal
        init(_ refusal: Refusal) { self.refusal = refusal }
    }
}
