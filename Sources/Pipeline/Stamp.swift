import AMQP
import Jobs
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
    /// When the turn of its account is expected to come to it, since it made room for others. It may be had earlier.
    var turn: Timestamp?
    /// How often it has stepped aside since it was last parked or called.
    var moves = 0
    /// How often the job was set apart because the worker died with it in hand.
    var suspect = 0
    /// How often it was parked because a refusal could have been everybody's.
    var refusals = 0
    /// The album is to be asked before the next call.
    var mustAsk = false
    /// The lane on which the job first came.
    var lane: Lane?
    var firstSeen: Timestamp?

    init() {}

    /// Reads what is well-formed; a header of another type or out of range counts as absent, since only the worker
    /// and operators write them and neither writes such.
    init(reading headers: FieldTable?) {
        guard let headers else { return }
        func count(_ name: String) -> Int? {
            guard case .integer(let value)? = headers[name], OwnHeader.counts.contains(value) else { return nil }
            return Int(value)
        }
        func time(_ name: String) -> Timestamp? {
            guard case .integer(let value)? = headers[name], value >= 0 else { return nil }
            return Timestamp(milliseconds: value)
        }
        copy = count(OwnHeader.copy) ?? 0
        attempts = count(OwnHeader.attempt) ?? 0
        if case .boolean(true)? = headers[OwnHeader.ambiguous] { isAmbiguous = true }
        generation = count(OwnHeader.generation) ?? 0
        notBefore = time(OwnHeader.notBefore)
        turn = time(OwnHeader.turn)
        moves = count(OwnHeader.moves) ?? 0
        suspect = count(OwnHeader.suspect) ?? 0
        refusals = count(OwnHeader.refusals) ?? 0
        if case .boolean(true)? = headers[OwnHeader.ask] { mustAsk = true }
        if case .string(let name)? = headers[OwnHeader.lane] {
            lane = Lane(rawValue: String(decoding: name, as: UTF8.self))
        }
        firstSeen = time(OwnHeader.firstSeen)
    }

    /// The headers of a copy, times in milliseconds since 1970.
    func write(to headers: inout FieldTable) {
        headers.append(OwnHeader.copy, .integer(Int64(copy)))
        headers.append(OwnHeader.attempt, .integer(Int64(attempts)))
        headers.append(OwnHeader.ambiguous, .boolean(isAmbiguous))
        headers.append(OwnHeader.generation, .integer(Int64(generation)))
        if let notBefore { headers.append(OwnHeader.notBefore, .integer(notBefore.milliseconds)) }
        if let turn { headers.append(OwnHeader.turn, .integer(turn.milliseconds)) }
        if moves > 0 { headers.append(OwnHeader.moves, .integer(Int64(moves))) }
        if suspect > 0 { headers.append(OwnHeader.suspect, .integer(Int64(suspect))) }
        if refusals > 0 { headers.append(OwnHeader.refusals, .integer(Int64(refusals))) }
        if mustAsk { headers.append(OwnHeader.ask, .boolean(true)) }
        if let lane { headers.append(OwnHeader.lane, .text(lane.rawValue)) }
        if let firstSeen { headers.append(OwnHeader.firstSeen, .integer(firstSeen.milliseconds)) }
    }
}
