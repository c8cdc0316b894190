import Testing

@testable import PostgresLedger

/// A table that has always one row may have lost it by somebody's hand: that is said, and ends nothing.
@Suite struct MissingRowTests {
    private static let none = PostgresRows(columns: [20], values: [], affected: 0)

    @Test func aRowThatIsNotThereIsAnErrorWithItsPlace() {
        let error = #expect(throws: PostgresDecodingError.self) { try Self.none.long(0, 0) }
        #expect(error?.row == 0 && error?.column == 0)
        #expect(throws: PostgresDecodingError.self) { try Self.none.valueIfAny(0, 0, as: Int64.self) }
        #expect(throws: PostgresDecodingError.self) { try Self.none.array(0, 0, of: Int64.self) }
    }

    @Test func aLineOfRefreshesWithoutItsRowIsAnError() {
        let question = GrantStatements.takePlace(every: .milliseconds(200))
        #expect(throws: PostgresDecodingError.self) { _ = try question.decode([Self.none]) }
    }
}
