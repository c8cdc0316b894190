import JSON
import Secrets

/// What a daemon that ended left unwritten, as a file has it: a line that says of which ledger and whose it is, then one
/// for each outcome, in the order in which they are to be written.
package struct OutcomeJournal: Sendable {
    /// The identity of the ledger, which every copy of its database has.
    let ledger: [UInt8]
    /// Who wrote it, for people.
    package let writer: String
    package var outcomes: [SpooledOutcome]
    /// Lines that say nothing that can be understood; the last one may be cut off.
    package var unreadable = 0

    init(ledger: [UInt8], writer: String, outcomes: [SpooledOutcome]) {
        self.ledger = ledger
        self.writer = writer
        self.outcomes = outcomes
    }

    private static let format = "leave-albumd outcomes"
    private static let version: Int64 = 1

    var bytes: [UInt8] {
        let header = JSONValue.object([
            .init("format", .text(Self.format)), .init("version", .integer(Self.version)),
            .init("ledger", .text(Base64.encoded(ledger))), .init("writer", .text(writer)),
            .init("outcomes", .integer(Int64(outcomes.count))),
        ])
        return ([header] + outcomes.map(\.json)).flatMap { $0.encoded() + [UInt8(ascii: "\n")] }
    }

    /// Why a file is none that this program can use.
    enum Fault: Error, Equatable {
        case notAJournal
        case ofANewerProgram
    }

    init(_ bytes: [UInt8]) throws(Fault) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        guard let first = lines.first, let header = try? JSONValue.parse(Array(first)),
            header["format"]?.text == Self.format, let version = header["version"]?.integer
        else { throw .notAJournal }
        guard version == Self.version else { throw .ofANewerProgram }
        guard let ledger = header["ledger"]?.text.flatMap({ Base64.decoded($0) }),
            let count = header["outcomes"]?.integer
        else { throw .notAJournal }
        self.init(ledger: ledger, writer: header["writer"]?.text ?? "", outcomes: [])
        for line in lines.dropFirst() {
            guard let json = try? JSONValue.parse(Array(line)), let outcome = SpooledOutcome(json: json) else {
                unreadable += 1
                continue
            }
            outcomes.append(outcome)
        }
        // Cut off between two lines, too.
        unreadable = max(unreadable, Int(clamping: count) - outcomes.count)
    }
}
