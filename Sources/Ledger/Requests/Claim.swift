public import Threads

/// The intent to call the API for a job, durable before a byte is sent.
public struct Claim: Sendable {
    /// What the call is, for the day's count.
    public enum Kind: Sendable {
        case call
        case probe
    }

    public var arrival: Arrival
    public var kind: Kind
    /// The quota's day, as `2026-11-23` in the quota's zone. Its count rises by one in the same commit.
    public var day: String
    public var at: Timestamp
    /// What the worker knows by now; the row never forgets an attempt or an ambiguity that it has.
    public var attempts: Int
    public var isAmbiguous: Bool
    public var malformedAnswers: Int
    /// The result that closes the older, still open generation that `look` found.
    public var closing: StoredResult?
    /// Nobody looked before, because the delivery is the first of its job as far as anyone can see. Refused unless the
    /// ledger knows nothing to the contrary: `.fresh`, without an ambiguity and without a predecessor.
    public var presumesNew: Bool

    public init(
        arrival: Arrival, kind: Kind, day: String, at: Timestamp, attempts: Int, isAmbiguous: Bool,
        malformedAnswers: Int = 0, closing: StoredResult? = nil, presumesNew: Bool = false
    ) {
        self.arrival = arrival
        self.kind = kind
        self.day = day
        self.at = at
        self.attempts = attempts
        self.isAmbiguous = isAmbiguous
        self.malformedAnswers = malformedAnswers
        self.closing = closing
        self.presumesNew = presumesNew
    }
}
