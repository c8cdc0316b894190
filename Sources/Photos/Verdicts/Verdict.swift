public import Threads

/// What an answer of the API means for the job: the row of the one table that matched, and what it says.
public struct Verdict: Sendable, Equatable {
    /// Its number in the table.
    public let row: Int
    public let action: VerdictAction
    /// The call may have had its effect. To be durable before anything else is done.
    public let marksAmbiguous: Bool
    /// What Retry-After or RetryInfo asked for, capped at 24 hours. The worker's own backoff may be longer.
    public let minimumWait: Duration?
    /// What the album said, if it was asked.
    public let album: AlbumStanding?
    /// The server's clock, from the Date header.
    public let serverTime: Timestamp?
    /// Of the answer that was just judged, be it to a call or to the question. A result tells of calls alone.
    public let httpStatus: Int?
    /// One of the names of google.rpc.Code, of the same answer.
    public let apiStatus: String?
    /// For the result and the log: no tokens, no control characters, at most 512 bytes.
    public let detail: String

    public init(
        row: Int, action: VerdictAction, marksAmbiguous: Bool = false, minimumWait: Duration? = nil,
        album: AlbumStanding? = nil, serverTime: Timestamp? = nil, httpStatus: Int? = nil, apiStatus: String? = nil,
        detail: String
    ) {
        self.row = row
        self.action = action
        self.marksAmbiguous = marksAmbiguous
        self.minimumWait = minimumWait
        self.album = album
        self.serverTime = serverTime
        self.httpStatus = httpStatus
        self.apiStatus = apiStatus
        self.detail = detail
    }
}
