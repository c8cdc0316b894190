import AMQP
package import Clocks

/// A deadline that an operator gives a job in the place of its own, which may have passed.
///
/// The job's body stays as its publisher wrote it, so the deadline goes beside it in an own header: with the message of
/// the redrive, with each later copy, and with the next dead letter, until another one takes its place. It is an
/// operator's word, and believed on `due` alone (`Lane.carriesNewDeadlines`).
package enum NewDeadline: Equatable, Sendable {
    /// No call begins after it.
    case at(Timestamp)
    /// The job has none any more.
    case lifted

    /// How the header, and the command's option, say that there is none.
    package static let liftedWord = "none"

    /// What a time in the header may be: none is before 1970, and RFC 3339 has none after the year 9999.
    private static let times: ClosedRange<Int64> = 0...253_402_300_799_999

    /// Nil for what neither a worker nor a command writes: the job's own deadline counts then, and no call begins that
    /// nobody allowed.
    init?(_ field: FieldValue) {
        switch field {
        case .integer(let milliseconds) where Self.times.contains(milliseconds):
            self = .at(Timestamp(milliseconds: milliseconds))
        case .string(let word) where word == Array(Self.liftedWord.utf8): self = .lifted
        case .integer, .string, .bytes, .boolean, .double, .decimal, .timestamp, .array, .table, .void: return nil
        }
    }

    /// Milliseconds since 1970, as the other times; or the word.
    var field: FieldValue {
        switch self {
        case .at(let time): .integer(time.milliseconds)
        case .lifted: .text(Self.liftedWord)
        }
    }

    /// For people.
    package var text: String {
        switch self {
        case .at(let time): time.rfc3339
        case .lifted: Self.liftedWord
        }
    }

    /// What counts: the job's own deadline, unless it was given another one.
    package static func inForce(_ new: NewDeadline?, own: Timestamp?) -> Timestamp? {
        switch new {
        case .at(let time)?: time
        case .lifted?: nil
        case nil: own
        }
    }
}
