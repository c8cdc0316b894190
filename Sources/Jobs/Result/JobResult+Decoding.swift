import JSON

extension JobResult {
    /// Reads a result message, as a follower of the results does. Unknown members are ignored; a reason or next step
    /// that is not known, from a newer worker, is nil. What is missing, of another type than results have or
    /// contradicts itself makes it no result: nobody is to be told that a user has left by half a message. Throws what
    /// is wrong with it.
    public static func decode(_ body: [UInt8]) throws(ResultFault) -> JobResult {
        let members = ResultMembers(JSONMembers(body, naming: ResultMembers.names))
        try members.checkBody()
        guard try members.integer("version") == 1 else { throw ResultFault("its version is not 1") }
        guard let outcome = try members.text("outcome").flatMap(Outcome.init(rawValue:)) else {
            throw ResultFault("it has no outcome that is known")
        }
        guard let effect = try members.text("effect").flatMap(Effect.init(rawValue:)) else {
            throw ResultFault("it has no effect that is known")
        }
        let isSuccess = outcome == .left || outcome == .alreadyLeft
        guard !isSuccess || effect == .left else {
            throw ResultFault("its outcome and its effect contradict each other")
        }
        guard let attempts = try members.count("attempts"), let generation = try members.count("generation") else {
            throw ResultFault("attempts and generation are not counts")
        }
        let completedAt = try members.text("completedAt")
        guard completedAt != nil || outcome == .rejected else { throw ResultFault("it has no completedAt") }
        let jobID = try members.identity("jobId", JobID.init(checking:))
        guard jobID != nil || outcome == .rejected else { throw ResultFault("it names no job") }
        return JobResult(
            jobID: jobID, account: try members.identity("account", AccountID.init(checking:)), outcome: outcome,
            effect: effect, reason: try members.text("reason").flatMap(Reason.init(rawValue:)),
            next: try members.text("next").flatMap(NextStep.init(rawValue:)), detail: try members.text("detail"),
            attempts: attempts, generation: generation, httpStatus: try members.count("httpStatus"),
            apiStatus: try members.text("apiStatus"), requestedAt: try members.text("requestedAt"),
            completedAt: completedAt, durationMs: try members.integer("durationMs") ?? 0,
            metadata: try members.metadata(), event: try members.event())
    }
}

/// The members of a result by their types. Nil is what is not there.
private struct ResultMembers {
    static let names = [
        "version", "jobId", "account", "outcome", "effect", "reason", "next", "detail", "attempts", "generation",
        "httpStatus", "apiStatus", "requestedAt", "completedAt", "durationMs", "metadata", "event",
    ]

    private let body: JSONMembers

    init(_ body: JSONMembers) {
        self.body = body
    }

    func checkBody() throws(ResultFault) {
        if let fault = body.fault ?? body.ambiguity { throw ResultFault("\(fault)") }
        if let kind = body.otherKind { throw ResultFault("it is \(kind) where an object belongs") }
    }

    func text(_ name: String) throws(ResultFault) -> String? {
        try read(name, \.text)
    }

    func integer(_ name: String) throws(ResultFault) -> Int64? {
        try read(name, \.integer)
    }

    func count(_ name: String) throws(ResultFault) -> Int? {
        try read(name) { value in value.integer.flatMap { $0 >= 0 ? Int($0) : nil } }
    }

    func identity<ID>(_ name: String, _ check: ([UInt8]) -> ID?) throws(ResultFault) -> ID? {
        try read(name) { $0.utf8.flatMap(check) }
    }

    func metadata() throws(ResultFault) -> [Job.Metadatum] {
        try read("metadata") { value in
            guard let members = value.members else { return nil }
            let texts = members.compactMap { member in
                member.value.utf8.map { Job.Metadatum(key: member.name, value: $0) }
            }
            return texts.count == members.count ? texts : nil
        } ?? []
    }

    func event() throws(ResultFault) -> EventContext? {
        try read("event", EventContext.init(echo:))
    }

    private func read<Value>(_ name: String, _ take: (JSONValue) -> Value?) throws(ResultFault) -> Value? {
        let value: JSONValue?
        do throws(JSONFault) {
            value = try body.value(name)
        } catch {
            throw ResultFault("\(name): \(error)")
        }
        guard let value else { return nil }
        guard let taken = take(value) else { throw ResultFault("\(name) is not what it is in a result") }
        return taken
    }
}

/// Why a message is not a result that can be read.
public struct ResultFault: Error, Equatable, Sendable, CustomStringConvertible {
    public let fault: String

    init(_ fault: String) {
        self.fault = fault
    }

    public var description: String { "the result cannot be read: \(fault)" }
}
