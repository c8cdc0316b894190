import JSON
package import Jobs
import Secrets

/// What an album query says of the user and the album.
package enum AlbumMembership: Sendable, Equatable {
    /// The user owns it, and owners cannot leave.
    case owned
    case notJoined
    case joined
    /// The API does not know the token, or does not show what it knows. A token dies too when the owner turns link
    /// sharing off, so this never means that the user has left.
    case inconclusive

    /// For people.
    var message: String {
        switch self {
        case .owned: "the album belongs to the user"
        case .notJoined: "the user is not in the album"
        case .joined: "the user is still in the album"
        case .inconclusive: "the album does not tell whether the user is in it"
        }
    }

    /// What the result of a job that fails can say by it. One that is not in the album may have left, or may never have
    /// joined; what that means depends on the job.
    package var effect: Effect? {
        switch self {
        case .owned, .joined: .notLeft
        case .notJoined, .inconclusive: nil
        }
    }

    /// From the album that a success holds; what is missing or wrong in it makes it tell nothing.
    init(_ album: JSONValue, of shareToken: Secret) {
        guard let share = album["shareInfo"], share.members != nil, Self.hasTypesOfMethod(share),
            Self.isAbout(shareToken, share)
        else {
            self = .inconclusive
            return
        }
        // Proto3 JSON leaves out what is false.
        if share["isOwned"]?.bool == true {
            self = .owned
        } else {
            self = share["isJoined"]?.bool == true ? .joined : .notJoined
        }
    }

    /// Whether all known members have the types of the method; if one has not, none of them is believed.
    private static func hasTypesOfMethod(_ share: JSONValue) -> Bool {
        (share.members ?? []).allSatisfy { member in
            switch String(decoding: member.name, as: UTF8.self) {
            case "isOwned", "isJoined", "isJoinable": member.value.bool != nil
            case "shareToken", "shareableUrl": member.value.utf8 != nil
            case "sharedAlbumOptions": member.value.members != nil
            default: true
            }
        }
    }

    private static func isAbout(_ shareToken: Secret, _ share: JSONValue) -> Bool {
        share["shareToken"]?.utf8.map { shown in shareToken.withUnsafeBytes { $0.elementsEqual(shown) } } ?? true
    }
}
