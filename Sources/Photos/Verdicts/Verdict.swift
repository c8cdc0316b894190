package import Clocks

/// What an answer of the API means for the job: the row of the one table that matched, and what it says.
package struct Verdict: Sendable, Equatable {
    /// The number of the row that matched, as docs/verdicts.md has it.
    package let row: Int
    package let action: VerdictAction
    /// The call may have had its effect. To be durable before anything else is done.
    package let marksAmbiguous: Bool
    /// What Retry-After or RetryInfo asked for, capped at 24 hours. The worker's own backoff may be longer.
    package let minimumWait: Duration?
    /// What the album said, if it was asked.
    package let album: AlbumMembership?
    /// The server's clock, from the Date header.
    package let serverTime: Timestamp?
    /// Of the answer that was just judged, be it to a call or to the question. A result tells of calls alone.
    package let httpStatus: Int?
    /// One of the names of google.rpc.Code, of the same answer.
    package let apiStatus: String?
    /// For the result and the log: no tokens, no control characters, at most 512 bytes.
    package let detail: String

    package init(
        row: Int, action: VerdictAction, marksAmbiguous: Bool = false, minimumWait: Duration? = nil,
        album: AlbumMembership? = nil, serverTime: Timestamp? = nil, httpStatus: Int? = nil, apiStatus: String? = nil,
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
