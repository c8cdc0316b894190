extension JobResult {
    /// Reads a result message, as a follower of the results does. Unknown members are ignored; a reason or next step
    /// that is not known, from a newer worker, is nil. Throws what is wrong with the message.
    public static func decode(_ body: [UInt8]) throws(ResultFault) -> JobResult {
        let value: JSONValue
        do throws(JSONFault) {
            value = try JSONValue.parse(body)
        } catch {
            throw ResultFault("\(error)")
        }
        guard value.members != nil else { throw ResultFault("it is \(value.kind) where an object belongs") }
        guard value["version"]?.integer == 1 else { throw ResultFault("its version is not 1") }
        guard let outcome = value["outcome"]?.text.flatMap(Outcome.init(rawValue:)) else {
            throw ResultFault("it has no outcome that is known")
        }
        guard let effect = value["effect"]?.text.flatMap(Effect.init(rawValue:)) else {
            throw ResultFault("it has no effect that is known")
        }
        guard let attempts = count(value["attempts"]), let generation = count(value["generation"]) else {
            throw ResultFault("attempts and generation are not counts")
        }
        let completedAt = value["completedAt"]?.text
        guard completedAt != nil || outcome == .rejected else { throw ResultFault("it has no completedAt") }
        let jobID = value["jobId"]?.utf8.flatMap(JobID.init(checking:))
        guard jobID != nil || outcome == .rejected else { throw ResultFault("it names no job") }
        let metadata = (value["metadata"]?.members ?? []).compactMap { member in
            member.value.utf8.map { Job.Metadatum(key: member.name, value: $0) }
        }
        return JobResult(
            jobID: jobID, account: value["account"]?.utf8.flatMap(AccountID.init(checking:)), outcome: outcome,
            effect: effect, reason: value["reason"]?.text.flatMap(Reason.init(rawValue:)),
            next: value["next"]?.text.flatMap(NextStep.init(rawValue:)), detail: value["detail"]?.text,
            attempts: attempts, generation: generation, httpStatus: count(value["httpStatus"]),
            apiStatus: value["apiStatus"]?.text, requestedAt: value["requestedAt"]?.text, completedAt: completedAt,
            durationMs: value["durationMs"]?.integer ?? 0, metadata: metadata)
    }

    private static func count(_ value: JSONValue?) -> Int? {
        value?.integer.flatMap { $0 >= 0 ? Int($0) : nil }
    }
}
