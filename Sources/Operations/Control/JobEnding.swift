import JSON
package import Jobs
package import Ledger

/// How a job ended, in the words of its result.
package struct JobEnding: Equatable, Sendable {
    package let outcome: Outcome
    /// Nil for a success.
    package let reason: Reason?
    /// Nil if the stored result does not say.
    package let effect: Effect?

    package init(outcome: Outcome, reason: Reason?, effect: Effect?) {
        self.outcome = outcome
        self.reason = reason
        self.effect = effect
    }

    package init(_ result: StoredResult) {
        self.init(outcome: result.outcome, reason: result.reason, body: try? JSONValue.parse(result.body))
    }

    /// `body`: the result message.
    init(outcome: Outcome, reason: Reason?, body: JSONValue?) {
        self.init(outcome: outcome, reason: reason, effect: body?["effect"]?.text.flatMap(Effect.init(rawValue:)))
    }

    init(_ members: ControlMembers) throws(ControlFormatError) {
        outcome = try members.word("outcome")
        reason = try members.optional("reason", members.word)
        effect = try members.optional("effect", members.word)
    }
}
