public import AMQP
public import Threads

/// The worker's own headers: what a copy, a redrive or a dead letter says of the job's past.
public struct JobHeaders: Equatable, Sendable {
    /// Which copy this is; 0 is the publisher's own message. Parkings that cost no attempt make copies too, so the
    /// number of attempts could not tell a copy from its original.
    public var copy = 0
    public var attempts = 0
    public var isAmbiguous = false
    public var generation = 0
    /// The copy is not worked on before.
    public var notBefore: Timestamp?
    /// When the turn of its account is expected to come to it, since it made room for others. It may be had earlier.
    public var turn: Timestamp?
    /// How often it has stepped aside since it was last parked or called.
    public var moves = 0
    /// How often the job was set apart because the worker died while it ran.
    public var suspect = 0
    /// How often it was parked because a refusal could have been everybody's.
    public var refusals = 0
    /// The album is to be asked before the next call.
    public var mustAsk = false
    /// The lane on which the job first came.
    public var lane: Lane?
    public var firstSeen: Timestamp?

    public init() {}

    /// What a count in a header may be; anything else was written by nobody of ours and counts as absent.
    public static let counts: ClosedRange<Int64> = 0...1_000_000

    /// Reads what is well-formed; a header of another type or out of range counts as absent, since only the worker
    /// and operators write them and neither writes such.
    public init(reading headers: FieldTable?) {
        guard let headers else { return }
        func count(_ name: String) -> Int? {
            guard case .integer(let value)? = headers[name], Self.counts.contains(value) else { return nil }
            return Int(value)
        }
        func time(_ name: String) -> Timestamp? {
            guard case .integer(let value)? = headers[name], value >= 0 else { return nil }
            return Timestamp(milliseconds: value)
        }
        copy = count(Name.copy) ?? 0
        attempts = count(Name.attempt) ?? 0
        if case .boolean(true)? = headers[Name.ambiguous] { isAmbiguous = true }
        generation = count(Name.generation) ?? 0
        notBefore = time(Name.notBefore)
        turn = time(Name.turn)
        moves = count(Name.moves) ?? 0
        suspect = count(Name.suspect) ?? 0
        refusals = count(Name.refusals) ?? 0
        if case .boolean(true)? = headers[Name.ask] { mustAsk = true }
        if case .string(let name)? = headers[Name.lane] {
            lane = Lane(rawValue: String(decoding: name, as: UTF8.self))
        }
        firstSeen = time(Name.firstSeen)
    }

    /// Appends the headers of a copy, times in milliseconds since 1970.
    public func write(to headers: inout FieldTable) {
        headers.append(Name.copy, .integer(Int64(copy)))
        headers.append(Name.attempt, .integer(Int64(attempts)))
        headers.append(Name.ambiguous, .boolean(isAmbiguous))
        headers.append(Name.generation, .integer(Int64(generation)))
        if let notBefore { headers.append(Name.notBefore, .integer(notBefore.milliseconds)) }
        if let turn { headers.append(Name.turn, .integer(turn.milliseconds)) }
        if moves > 0 { headers.append(Name.moves, .integer(Int64(moves))) }
        if suspect > 0 { headers.append(Name.suspect, .integer(Int64(suspect))) }
        if refusals > 0 { headers.append(Name.refusals, .integer(Int64(refusals))) }
        if mustAsk { headers.append(Name.ask, .boolean(true)) }
        if let lane { headers.append(Name.lane, .text(lane.rawValue)) }
        if let firstSeen { headers.append(Name.firstSeen, .integer(firstSeen.milliseconds)) }
    }

    /// Whether any header is one of ours, by its name.
    public static func arePresent(in headers: FieldTable?) -> Bool {
        headers?.fields.contains { isOwn($0.name) } ?? false
    }

    /// Whether a header of this name is one of ours.
    static func isOwn(_ name: [UInt8]) -> Bool { name.starts(with: Name.prefix.utf8) }
}

extension JobHeaders {
    /// The names of the worker's own message headers: on copies, on dead letters, on replays.
    public enum Name {
        public static let prefix = "x-leave-album-"

        // On copies, redrives and dead letters.
        public static let copy = prefix + "copy"
        public static let attempt = prefix + "attempt"
        public static let ambiguous = prefix + "ambiguous"
        public static let generation = prefix + "generation"
        public static let notBefore = prefix + "not-before"
        public static let turn = prefix + "turn"
        public static let moves = prefix + "moves"
        public static let suspect = prefix + "suspect"
        public static let refusals = prefix + "refusals"
        public static let ask = prefix + "ask"
        public static let lane = prefix + "lane"
        public static let firstSeen = prefix + "first-seen"

        // On dead letters only.
        public static let reason = prefix + "reason"
        public static let detail = prefix + "detail"
        public static let attempts = prefix + "attempts"
        public static let httpStatus = prefix + "http-status"
        public static let apiStatus = prefix + "api-status"
        public static let deadAt = prefix + "dead-at"
        /// The application's headers did not fit and were left out.
        public static let headersDropped = prefix + "headers-dropped"
        /// Of a body that is not there whole, in bytes.
        public static let bodySize = prefix + "body-size"
        public static let bodySHA256 = prefix + "body-sha256"
        /// Which browser laid a dead letter back into its queue.
        public static let browsed = prefix + "browsed"

        // On results.
        /// The broker has had the result before.
        public static let replayed = prefix + "replayed"
    }
}
