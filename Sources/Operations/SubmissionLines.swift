import Jobs

/// Jobs as JSON lines.
public enum SubmissionLines {
    public struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
        /// From 1.
        public let line: Int
        public let detail: String

        public var description: String { "line \(line): \(detail)" }
    }

    /// All jobs, or every fault: nothing is submitted of a list that is wrong somewhere, because a second try of jobs
    /// without ids of their own would be new jobs. Empty lines are passed over.
    public static func read(_ text: [UInt8]) -> Result<[Submission], Faults> {
        var submissions: [Submission] = []
        var faults: [Fault] = []
        for (index, bytes) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let line = Array(bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes)
            guard line.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }) else { continue }
            do throws(Rejection) {
                submissions.append(try Submission(body: line))
            } catch {
                faults.append(Fault(line: index + 1, detail: "\(error.reason.rawValue): \(error.detail)"))
            }
        }
        return faults.isEmpty ? .success(submissions) : .failure(Faults(faults: faults))
    }

    /// Each line as it is, under the id that can be read of it, else none.
    public static func unchecked(_ text: [UInt8]) -> [Submission] {
        text.split(separator: UInt8(ascii: "\n")).map { line in
            let id = JSONMembers(Array(line), naming: ["jobId"])["jobId"]?.utf8.flatMap(JobID.init(checking:))
            return Submission(jobID: id, body: Array(line))
        }
    }

    public struct Faults: Error, Equatable, Sendable {
        public let faults: [Fault]
    }
}
