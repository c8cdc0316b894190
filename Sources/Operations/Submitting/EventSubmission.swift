import JSON
import Jobs

/// How jobs are submitted as CloudEvents, in structured mode: lines that are events as they are, others as the data of a
/// new one, whose id is the job's.
package struct EventSubmission: Sendable {
    /// Those that ask for a leave; new events are of the first.
    private let types: [String]
    /// Of new events.
    private let source: String

    static let contentType = "application/cloudevents+json"
    /// Of the commands of this program, so that a job is the same one when it is submitted again.
    package static let defaultSource = "/leave-albumd/submit"

    /// Nil if there is no type at all.
    package init?(types: [String], source: String) {
        guard !types.isEmpty else { return nil }
        self.types = types
        self.source = source
    }

    /// - Throws: what the worker would say of it.
    func read(_ line: [UInt8]) throws(Rejection) -> (submission: Submission, job: Job) {
        if JSONMembers(line, naming: ["specversion"]).has("specversion") { return try event(line) }
        let (submission, job) = try Submission.read(line)
        return try event(body(submission, job))
    }

    private func event(_ body: [UInt8]) throws(Rejection) -> (submission: Submission, job: Job) {
        let job = try EventDecoder.decode(
            body: body, contentType: Self.contentType, contentEncoding: nil, types: types
        ).get()
        return (Submission(jobID: job.id, body: body, contentType: Self.contentType), job)
    }

    private func body(_ submission: Submission, _ job: Job) -> [UInt8] {
        var text = JSONText(capacity: submission.body.count + 256)
        text.begin(.object)
        text.member("specversion", "1.0")
        text.member("id", job.id.utf8)
        text.member("source", source)
        text.member("type", types[0])
        text.member("time", job.requestedAt)
        text.member("datacontenttype", "application/json")
        text.name("data")
        return text.bytes + submission.body + [UInt8(ascii: "}")]
    }
}
