package import Clocks

/// What an answer of the API means for the job: the row of the one table that matched, and what it says.
package struct Verdict: Sendable, Equatable {
    /// The number of the row that matched, as docs/verdicts.md has it. For people: nothing is decided by it.
    package let row: Int
    package let action: VerdictAction
    /// The call may have had its effect. To be durable before anything else is done.
    package let marksAmbiguous: Bool
    /// Of what the refusal speaks, if it is one.
    package let subject: RefusalSubject
    /// The call may still be on its way, or be carried out. The album is asked before the next call.
    package let isUnheard: Bool
    /// What Retry-After or RetryInfo asked for, capped at 24 hours. The worker's own backoff may be longer.
    package let minimumWait: Duration?
    /// What the album said, if it was asked.
    package let album: AlbumMembership?
    /// The album was asked before a call, and has answered: no call has had its word yet.
    package let isBeforeCall: Bool
    /// The server's clock, from the Date header.
    package let serverTime: Timestamp?
    /// Of the answer that was just judged, be it to a call or to an album query. A result tells of calls alone.
    package let httpStatus: Int?
    /// One of the names of google.rpc.Code, of the same answer.
    package let apiStatus: String?
    /// For the result and the log: no tokens, no control characters, at most 512 bytes.
    package let detail: String

    package init(
        row: Int, action: VerdictAction, marksAmbiguous: Bool = false, subject: RefusalSubject = .other,
        isUnheard: Bool = false, minimumWait: Duration? = nil, album: AlbumMembership? = nil,
        isBeforeCall: Bool = false, serverTime: Timestamp? = nil, httpStatus: Int? = nil, apiStatus: String? = nil,
        detail: String
    ) {
        self.row = row
        self.action = action
        self.marksAmbiguous = marksAmbiguous
        self.subject = subject
        self.isUnheard = isUnheard
        self.minimumWait = minimumWait
        self.album = album
        self.isBeforeCall = isBeforeCall
        self.serverTime = serverTime
        self.httpStatus = httpStatus
        self.apiStatus = apiStatus
        self.detail = detail
    }
}

/// Of what a refusal speaks. A hold for a fault of the API is lifted by what only the method itself can say: a gateway
/// on the way knows neither user nor album.
package enum RefusalSubject: Sendable {
    /// The user or the album: the method works.
    case userOrAlbum
    /// The share token, which the API does not know. A method that was removed may say so to every token.
    case shareToken
    /// Anything else; any server on the way may say it.
    case other
}
