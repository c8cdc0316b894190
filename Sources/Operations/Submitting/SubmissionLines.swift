import JSON
import Jobs

/// Jobs as JSON lines.
package enum SubmissionLines {
    package struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
        /// From 1.
        package let line: Int
        package let detail: String

        package var description: String { "line \(line): \(detail)" }
    }

    /// A list without faults.
    package struct List: Sendable {
        package var submissions: [Submission] = []
        /// Lines that ask for nothing new: the job of an earlier line once more. It is one job, and submitted once.
        package var repetitions: [Fault] = []
    }

    /// All jobs, or every fault: nothing is submitted of a list that is wrong somewhere, because a second try of jobs
    /// without ids of their own would be new jobs. Empty lines are passed over.
    ///
    /// One id is one job. Two lines with one id that say different things are a fault, whatever differs: the worker
    /// would take one of them and never the other.
    ///
    /// `events`: they go as CloudEvents.
    package static func read(_ text: [UInt8], as events: EventSubmission? = nil) -> Result<List, Faults> {
        var list = List()
        var faults: [Fault] = []
        var lines: [JobID: (line: Int, job: Job)] = [:]
        for (index, bytes) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let line = Array(bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes)
            guard line.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }) else { continue }
            do throws(Rejection) {
                let (submission, job) = try Submission.read(line, as: events)
                guard let earlier = lines[job.id] else {
                    lines[job.id] = (index + 1, job)
                    list.submissions.append(submission)
                    continue
                }
                if let difference = difference(between: earlier.job, and: job) {
                    faults.append(
                        Fault(
                            line: index + 1,
                            detail: "job \(job.id) stands on line \(earlier.line) with another \(difference)"))
                } else {
                    list.repetitions.append(
                        Fault(
                            line: index + 1,
                            detail: "job \(job.id) stands on line \(earlier.line) already; it is one job"))
                }
            } catch {
                faults.append(Fault(line: index + 1, detail: "\(error.reason.rawValue): \(error.detail)"))
            }
        }
        return faults.isEmpty ? .success(list) : .failure(Faults(faults: faults))
    }

    /// The first thing that one id says twice and differently; nil if both are the same job.
    private static func difference(between first: Job, and second: Job) -> String? {
        if first.account != second.account { return "account" }
        if first.shareToken != second.shareToken { return "share token" }
        if first.deadline != second.deadline { return "deadline" }
        if first.requestedAt != second.requestedAt { return "requestedAt" }
        if first.metadata != second.metadata { return "metadata" }
        if first.event?.source != second.event?.source { return "source" }
        if first.event != second.event { return "event" }
        return nil
    }

    /// Each line as it is, under the id that can be read of it, else none.
    package static func unchecked(_ text: [UInt8], asEvents: Bool = false) -> [Submission] {
        let name = asEvents ? "id" : "jobId"
        return text.split(separator: UInt8(ascii: "\n")).map { line in
            let id = JSONMembers(Array(line), naming: [name])[name]?.utf8.flatMap(JobID.init(checking:))
            guard asEvents else { return Submission(jobID: id, body: Array(line)) }
            return Submission(jobID: id, body: Array(line), contentType: EventSubmission.contentType)
        }
    }

    package struct Faults: Error, Equatable, Sendable {
        package let faults: [Fault]
    }
}
