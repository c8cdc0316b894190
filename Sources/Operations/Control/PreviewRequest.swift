package import Clocks
package import JSON
package import Jobs
import Ledger

/// `preview`: what the ledger would say to messages that wait, and what holds their worker.
package struct PreviewRequest: LedgerRequest {
    package static let name = RequestName.preview

    /// As many as a look shows at most.
    package static let mostJobs = 100

    package let jobs: [WaitingJob]

    package init(_ jobs: [WaitingJob]) {
        self.jobs = jobs
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        jobs = try ControlMembers(json).list("jobs")
        guard jobs.count <= Self.mostJobs else { throw ControlFormatError("jobs are \(Self.mostJobs) at most") }
    }

    package var json: JSONValue { .object(of: ["jobs": .list(jobs)]) }

    package struct Answer: ControlValue {
        /// In the order of the request.
        package let jobs: [KnownJob]
        /// Causes of the holds that stand, as the ledger has them.
        package let holds: [String]

        package init(jobs: [KnownJob], holds: [String]) {
            self.jobs = jobs
            self.holds = holds
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            jobs = try members.list("jobs")
            holds = try members.texts("holds")
        }

        package var json: JSONValue {
            .object(of: ["jobs": .list(jobs), "holds": .array(holds.map(JSONValue.text))])
        }
    }

    package func answer(from handler: LedgerRequestHandler) async throws(ControlFault) -> Answer {
        let jobs = self.jobs
        return try await handler.read { ledger throws(LedgerError) in
            let now = ledger.clock.wall()
            let statuses = try await ledger.statuses(of: jobs.map(\.jobID))
            var known: [KnownJob] = []
            for (job, status) in zip(jobs, statuses) {
                known.append(KnownJob(job, try await ledger.history(of: job.jobID), status, at: now))
            }
            let holds = try await ledger.holds(from: now, to: now).filter { $0.until == nil }
            return Answer(jobs: known, holds: holds.map(\.cause.rawValue))
        }
    }
}

/// A message that waits, as far as the ledger has to know it.
package struct WaitingJob: ControlValue {
    package let jobID: JobID
    package let account: AccountID
    /// Hexadecimal SHA-256 of the share token.
    package let tokenHash: String
    package let generation: Int
    package let copy: Int

    package init(jobID: JobID, account: AccountID, tokenHash: String, generation: Int, copy: Int) {
        self.jobID = jobID
        self.account = account
        self.tokenHash = tokenHash
        self.generation = generation
        self.copy = copy
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        self.init(
            jobID: try members.jobID(), account: try members.account(), tokenHash: try members.text("tokenSha256"),
            generation: try members.count("generation"), copy: try members.count("copy"))
    }

    package var json: JSONValue {
        .object(of: [
            "jobId": .id(jobID), "account": .id(account), "tokenSha256": .text(tokenHash),
            "generation": .count(generation), "copy": .count(copy),
        ])
    }
}

/// What the ledger knows of a job that a message waits for.
package struct KnownJob: ControlValue {
    package enum State: String, Sendable {
        /// Nothing of this generation, or that it goes on.
        case open
        /// The id is another job's.
        case conflict
        /// It has its result, which goes out again.
        case finished
        /// A newer generation has taken its place.
        case superseded
        /// It ends without a call.
        case cancelled
        /// A newer copy of it waits, and this message is needed no more.
        case parked
        /// A newer copy was decided and is not known to be with the broker: it goes out, made of this message.
        case unparked
    }

    package let state: State
    package let attempts: Int
    /// A call may have been made unheard.
    package let isAmbiguous: Bool
    /// From its first call, without the times in which the worker stood still; nil before it.
    package let age: Duration?
    /// Of what has ended.
    package let outcome: String?
    package let reason: String?
    /// When the newer copy is due.
    package let until: Timestamp?

    package init(
        _ state: State, attempts: Int = 0, isAmbiguous: Bool = false, age: Duration? = nil, outcome: String? = nil,
        reason: String? = nil, until: Timestamp? = nil
    ) {
        self.state = state
        self.attempts = attempts
        self.isAmbiguous = isAmbiguous
        self.age = age
        self.outcome = outcome
        self.reason = reason
        self.until = until
    }

    /// As `LedgerRules.lookUp` rules on a delivery; whose source an event has is not compared.
    init(_ job: WaitingJob, _ record: JobRecord?, _ status: JobStatus, at now: Timestamp) {
        let isCancelled = status.state == .cancelled
        guard let record else {
            self.init(isCancelled ? .cancelled : .open)
            return
        }
        guard record.account == job.account, record.tokenHash == job.tokenHash else {
            self.init(.conflict)
            return
        }
        guard job.generation == record.generation else {
            if job.generation > record.generation {
                self.init(.open, isAmbiguous: record.isAmbiguous)
            } else {
                let result = record.results.last { $0.messageID == "\(job.jobID.string)#\(job.generation)" }
                self.init(.superseded, outcome: result?.outcome.rawValue, reason: result?.reason?.rawValue)
            }
            return
        }
        switch record.state {
        case .finished:
            let result = record.results.last
            self.init(.finished, outcome: result?.outcome.rawValue, reason: result?.reason?.rawValue)
        case .open(let open, let isCalling):
            if job.copy < open.copy {
                guard open.copyIsPublished else {
                    self.init(.unparked, until: open.due)
                    return
                }
                let isOverdue = open.due.map { $0 + LedgerRules.lateness < now } ?? false
                guard isOverdue else {
                    self.init(.parked, until: open.due)
                    return
                }
            }
            let age = record.firstCallAt.map { $0 < now ? Self.age(from: $0, to: now, without: record.holds) : .zero }
            self.init(
                isCancelled ? .cancelled : .open, attempts: record.attempts,
                isAmbiguous: record.isAmbiguous || isCalling, age: age)
        }
    }

    private static func age(from start: Timestamp, to end: Timestamp, without holds: [HoldRecord]) -> Duration {
        var age = Duration.zero
        var time = start
        for hold in holds.sorted(by: { $0.since < $1.since }) where time < end {
            if hold.since > time { age += min(hold.since, end) - time }
            time = max(time, min(hold.until ?? end, end))
        }
        return time < end ? age + (end - time) : age
    }

    package init(json: JSONValue) throws(ControlFormatError) {
        let members = try ControlMembers(json)
        self.init(
            try members.word("state"), attempts: try members.count("attempts"),
            isAmbiguous: try members.bool("ambiguous"),
            age: try members.optional("ageMs", members.count).map { .milliseconds($0) },
            outcome: try members.optional("outcome", members.text),
            reason: try members.optional("reason", members.text), until: try members.optional("until", members.time))
    }

    package var json: JSONValue {
        .object(of: [
            "state": .word(state), "attempts": .count(attempts), "ambiguous": .bool(isAmbiguous),
            "ageMs": age.map { .count(Int($0.milliseconds)) }, "outcome": outcome.map(JSONValue.text),
            "reason": reason.map(JSONValue.text), "until": until.map(JSONValue.time),
        ])
    }
}
