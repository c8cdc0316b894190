import Photos
import Testing

/// One answer, and what the table says of it.
struct VerdictExample: Sendable, CustomTestStringConvertible {
    let title: String
    let answer: Answer
    var context = Wording.context()
    let row: Int
    let action: VerdictAction
    var marksAmbiguous = false
    var isUnheard = false

    var testDescription: String { "row \(row): \(title)" }
}
