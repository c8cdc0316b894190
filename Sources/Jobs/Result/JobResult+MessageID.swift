public import Secrets

extension JobResult {
    /// Under which the result of a job is published, now and at every replay: `<jobId>#<generation>`.
    public static func messageID(_ jobID: JobID, generation: Int) -> String {
        "\(jobID.string)#\(generation)"
    }

    /// Under which the result of a message that is no job is published: `rejected:`, the first 32 hexadecimal digits of
    /// the SHA-256 of its whole body, and the reason. One message that comes twice gets one message-id.
    public static func messageID(rejecting body: SHA256Digest, for reason: Reason) -> String {
        "rejected:\(body.hexadecimal.prefix(32)):\(reason.rawValue)"
    }

    /// The message-id of a job's result. Nil for a rejected one: that one's is made of the body it answers.
    public var messageID: String? {
        guard outcome != .rejected else { return nil }
        return jobID.map { Self.messageID($0, generation: generation) }
    }
}
