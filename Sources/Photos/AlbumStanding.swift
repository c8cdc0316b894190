import Jobs

/// What the probe says of the user and the album.
public enum AlbumStanding: Sendable, Equatable {
    /// The user owns it, and owners cannot leave.
    case owned
    case notJoined
    case joined
    /// The API does not know the token, or does not show what it knows. A token dies too when the owner turns link
    /// sharing off, so this never means that the user has left.
    case cannotTell

    /// For people.
    var words: String {
        switch self {
        case .owned: "the album belongs to the user"
        case .notJoined: "the user is not in the album"
        case .joined: "the user is still in the album"
        case .cannotTell: "the album does not tell whether the user is in it"
        }
    }

    /// Nil if the answer says nothing of the album, but something of the caller, the server or the way there.
    init?(_ reading: Reading) {
        guard reading.transport == .answered else { return nil }
        switch (reading.http, reading.body) {
        case (200, .object):
            guard let share = reading.object?["shareInfo"], share.members != nil else {
                self = .cannotTell
                return
            }
            // Proto3 JSON leaves out what is false.
            if share["isOwned"]?.bool == true {
                self = .owned
            } else {
                self = share["isJoined"]?.bool == true ? .joined : .notJoined
            }
        case (400, .error), (404, .error): self = .cannotTell
        default: return nil
        }
    }
}
