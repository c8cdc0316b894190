import CSQLite
import Testing

@testable import Ledger

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

    @Test func twoTextsThatReadTheSameAreTwo() {
        #expect(SQL("SELECT 1").number != SQL("SELECT 1").number)
    }
}
