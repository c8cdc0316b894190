import Clocks
package import JSON
package import Jobs

/// Where one job of a publisher's list stands, and what settles it.
package struct Reconciliation: Sendable {
    /// What an account team has to know of it.
    package enum Status: String, CaseIterable, Sendable {
        case left
        case failed
        /// It failed, and nobody knows whether the user is out.
        case unknown
        case waiting
        case calling
        case cancelled
        case neverArrived = "never_arrived"
    }

    package let jobID: JobID
    package let status: Status
    /// Where it waits and until when, or why it failed.
    package let detail: String
    /// The one command that settles it; nil if nothing is to be done.
    package let command: String?

    /// `waiting`: jobs that wait on the broker, of which the ledger cannot know; nil if the broker was not asked.
    package init(_ job: ReconciledJob, waitingOnBroker waiting: Int?) {
        let id = job.jobID
        jobID = id
        switch job.state {
        case .ended(let ending, let next, let completedAt):
            (status, detail, command) = Self.ended(id, ending, next, at: completedAt?.rfc3339 ?? "-")
        case .parked(let until):
            (status, detail, command) = (.waiting, "parked until \(until.rfc3339)", nil)
        case .waiting: (status, detail, command) = (.waiting, "in a queue, or in the worker's hands", nil)
        case .calling: (status, detail, command) = (.calling, "a call was begun and has not ended", "job \(id)")
        case .cancelled:
            (status, detail, command) = (.cancelled, "it ends without a call when it comes", nil)
        case .unknown:
            status = .neverArrived
            detail =
                switch waiting {
                case 0?: "the worker has not seen it, and nothing waits on the broker"
                case let waiting?: "the worker has not seen it; \(waiting) jobs wait on the broker"
                case nil: "the worker has not seen it"
                }
            // While jobs wait it may be one of them, and to send it again is harmless: its id is the same.
            command = "submit --id \(id) …"
        }
    }

    private static func ended(
        _ id: JobID, _ ending: JobEnding, _ next: NextStep?, at time: String
    ) -> (Status, String, String?) {
        if ending.effect == .left { return (.left, "\(ending.outcome.rawValue) at \(time)", nil) }
        let isUnknown = ending.effect == .unknown
        let command: String? =
            switch next {
            case .operator: "dead redrive --job \(id)"
            case .fixRequest: "submit … (a corrected job with an id of its own)"
            case .reauthorizeUser: "dead redrive --job \(id) (once the user has agreed again)"
            case .some(.none), nil: isUnknown ? redrive(id, ending.reason) : nil
            }
        return (isUnknown ? .unknown : .failed, "\(ending.reason?.rawValue ?? "-") at \(time)", command)
    }

    /// What has ended at its deadline would end there again.
    private static func redrive(_ id: JobID, _ reason: Reason?) -> String {
        "dead redrive --job \(id)" + (reason == .deadlineExceeded ? " --deadline none" : "")
    }

    package var json: JSONValue {
        .object(
            [
                .init("jobId", .string(jobID.utf8)), .init("standing", .text(status.rawValue)),
                .init("detail", .text(detail)),
            ] + (command.map { [.init("command", .text($0))] } ?? []))
    }
}
