/// Reads cancel messages: `{"version":1,"jobId":"…"}`. Their own message-id is no job's.
public enum CancelDecoder {
    /// What a cancel message may say; the account, if one is there, only for the result of a rejection.
    private static let names = ["version", "jobId", "account"]

    /// The job to cancel, or why the message asks for nothing. Faults are those of job messages.
    public static func decode(
        body: [UInt8], contentType: String?, contentEncoding: String?
    ) -> Result<JobID, Rejection> {
        do throws(Rejection) {
            let members = try MessageBody.members(
                of: body, contentType: contentType, contentEncoding: contentEncoding, naming: names,
                fallbackID: nil)
            guard let written = try members.string("jobId") else {
                throw members.rejection(.jobIDMissing, "jobId: it is missing")
            }
            if let fault = JobID.fault(in: written) { throw members.malformed("jobId", fault) }
            return .success(JobID(utf8: written))
        } catch {
            return .failure(error)
        }
    }
}
