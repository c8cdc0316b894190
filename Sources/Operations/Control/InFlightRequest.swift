import Clocks
package import JSON
package import Jobs

/// `in_flight`: what the worker has in flight, that which has waited longest first.
package struct InFlightRequest: OperatorRequest {
    package static let name = RequestName.inFlight

    package let limit: Int

    package init(limit: Int) {
        self.limit = limit
    }

    package init(json: JSONValue) throws(ControlFormatError) { limit = try ControlMembers(json).count("limit") }

    package var json: JSONValue { .object(of: ["limit": .count(limit)]) }

    package struct Answer: ControlValue {
        package let jobs: [Job]
        /// All that are in flight.
        package let total: Int
        /// Causes of the holds that stand.
        package let holds: [String]

        package init(jobs: [Job], total: Int, holds: [String]) {
            self.jobs = jobs
            self.total = total
            self.holds = holds
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            self.init(
                jobs: try members.list("jobs"), total: try members.count("total"), holds: try members.texts("holds"))
        }

        package var json: JSONValue {
            .object(of: [
                "jobs": .list(jobs), "total": .count(total), "holds": .array(holds.map(JSONValue.text)),
            ])
        }
    }

    /// A delivery.
    package struct Job: ControlValue {
        /// Nil for what is no job, or is not known to be one yet.
        package let jobID: JobID?
        package let account: AccountID?
        package let lane: String
        package let generation: Int
        /// `running`, `waiting`, `delayed`, `following`, `settling`.
        package let state: String
        package let waited: Duration

        package init(
            jobID: JobID?, account: AccountID?, lane: String, generation: Int, state: String, waited: Duration
        ) {
            self.jobID = jobID
            self.account = account
            self.lane = lane
            self.generation = generation
            self.state = state
            self.waited = waited
        }

        package init(json: JSONValue) throws(ControlFormatError) {
            let members = try ControlMembers(json)
            self.init(
                jobID: try members.optional("jobId", members.jobID),
                account: try members.optional("account", members.account), lane: try members.text("lane"),
                generation: try members.count("generation"), state: try members.text("state"),
                waited: .milliseconds(try members.count("waitedMs")))
        }

        package var json: JSONValue {
            .object(of: [
                "jobId": jobID.map(JSONValue.id), "account": account.map(JSONValue.id), "lane": .text(lane),
                "generation": .count(generation), "state": .text(state),
                "waitedMs": .count(Int(waited.milliseconds)),
            ])
        }
    }
}
