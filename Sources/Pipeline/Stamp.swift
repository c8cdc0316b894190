import AMQP
import Threads

/// The worker's own headers: what a copy says of the job's past.
struct Stamp: Equatable, Sendable {
    /// Which copy this is; 0 is the publisher's own message. Parkings that cost no attempt make copies too, so the
    /// number of attempts could not tell a copy from its original.
    var copy = 0
    var attempts = 0
    var isAmbiguous = false
    var generation = 0
    /// The copy is not worked on before.
    var notBefore: Timestamp?
    /// How often the job was set apart because the worker died with it in hand.
    var suspect = 0
    /// How often it was parked because a refusal could have been everybody's.
    var refusals = 0
    /// The album is to be asked before the next call.
    var mustAsk = false
    /// The lane on which the job first came.
    var lane: Lane?
    var firstSeen: Timestamp?

    static let prefix = "x-leave-album-"
    private static let copyName = prefix + "copy"
    private static let attemptName = prefix + "attempt"
    private static let ambiguousName = prefix + "ambiguous"
    private static let generationName = prefix + "generation"
    private static let notBeforeName = prefix + "not-before"
    private static let suspectName = prefix + "suspect"
    private static let refusalsName = prefix + "refusals"
    private static let mustAskName = prefix + "ask"
    private static let laneName = prefix + "lane"
    private static let firstSeenName = prefix + "first-seen"

    init() {}

    /// Reads what is well-formed; a header of another type or out of range counts as absent, since only the worker
    /// and operators write them and neither writes such.
    init(reading headers: FieldTable?) {
        guard let headers else { return }
        func count(_ name: String) -> Int? {
            guard case .integer(let value)? = headers[name], (0...1_000_000).contains(value) else { return nil }
            return Int(value)
        }
        func time(_ name: String) -> Timestamp? {
            guard case .integer(let value)? = headers[name], value >= 0 else { return nil }
            return Timestamp(milliseconds: value)
        }
        copy = count(Self.copyName) ?? 0
        attempts = count(Self.attemptName) ?? 0
        if case .boolean(true)? = headers[Self.ambiguousName] { isAmbiguous = true }
        generation = count(Self.generationName) ?? 0
        notBefore = time(Self.notBeforeName)
        suspect = count(Self.suspectName) ?? 0
        refusals = count(Self.refusalsName) ?? 0
        if case .boolean(true)? = headers[Self.mustAskName] { mustAsk = true }
        if case .string(let name)? = headers[Self.laneName] {
            lane = Lane(rawValue: String(decoding: name, as: UTF8.self))
        }
        firstSeen = time(Self.firstSeenName)
    }

    /// The headers of a copy, times in milliseconds since 1970.
    func write(to headers: inout FieldTable) {
        headers.append(Self.copyName, .integer(Int64(copy)))
        headers.append(Self.attemptName, .integer(Int64(attempts)))
        headers.append(Self.ambiguousName, .boolean(isAmbiguous))
        headers.append(Self.generationName, .integer(Int64(generation)))
        if let notBefore { headers.append(Self.notBeforeName, .integer(notBefore.milliseconds)) }
        if suspect > 0 { headers.append(Self.suspectName, .integer(Int64(suspect))) }
        if refusals > 0 { headers.append(Self.refusalsName, .integer(Int64(refusals))) }
        if mustAsk { headers.append(Self.mustAskName, .boolean(true)) }
        if let lane { headers.append(Self.laneName, .text(lane.rawValue)) }
        if let firstSeen { headers.append(Self.firstSeenName, .integer(firstSeen.milliseconds)) }
    }
}
