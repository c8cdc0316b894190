import CSQLite
import Clocks
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// The layer over SQLite itself.
@Suite struct SQLiteConnectionTests {
    private static let counting = SQL("SELECT ?1 + 1")

    private func connection() throws -> SQLiteConnection {
        try SQLiteConnection(path: ":memory:", mode: .readWrite)
    }

    @Test func aConnectionPreparesEachTextOnceAndAnotherConnectionItsOwn() throws {
        let (one, other) = (try connection(), try connection())
        let statement = try one.statement(Self.counting)
        #expect(try one.statement(Self.counting) === statement)
        #expect(try other.statement(Self.counting) !== statement)
        #expect(try one.statement("SELECT ?1 + 1") !== statement, "a text without a number is for one time")
    }

    @Test func aStatementThatIsUsedAgainKnowsNothingOfTheLastTime() throws {
        let connection = try connection()
        for number in [1, 41] {
            let found = try connection.query(Self.counting, bind: { $0.bind(1, number) }) { row throws(SQLiteFault) in
                row.int(0)
            }
            #expect(found == [number + 1])
        }
    }

    /// Short values are kept in room of the statement's own, longer ones by SQLite, in any mixture.
    @Test func whatIsBoundIsReadWholeWhateverItsLength() throws {
        let connection = try connection()
        try connection.execute("CREATE TABLE bound (blob, text, other)")
        let insertion = SQL("INSERT INTO bound VALUES (?1, ?2, ?3)")
        let lengths = [0, 1, 15, 16, 700, 1_024, 2_047, 2_048, 2_049, 10_000]
        for first in lengths {
            for second in lengths {
                let statement = try connection.statement(insertion)
                let blob = [UInt8](repeating: 7, count: first)
                statement.bind(1, blob).bind(2, String(repeating: "é", count: second / 2)).bind(3, blob + [0])
                try statement.run()
                let found = try connection.query("SELECT blob, text, other, typeof(blob), typeof(text) FROM bound") {
                    row throws(SQLiteFault) in
                    (row.blob(0), row.text(1), row.blob(2), [row.text(3), row.text(4)])
                }
                try connection.execute("DELETE FROM bound")
                #expect(
                    found.count == 1
                        && found[0] == (blob, String(repeating: "é", count: second / 2), blob + [0], ["blob", "text"]),
                    "\(first), \(second)")
            }
        }
    }

    @Test func twoTextsThatReadTheSameAreTwo() {
        #expect(SQL("SELECT 1").number != SQL("SELECT 1").number)
    }
}
