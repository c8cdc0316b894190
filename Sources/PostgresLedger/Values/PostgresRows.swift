/// The rows that one statement gave, copied out of libpq.
struct PostgresRows: Hashable, Sendable {
    /// The types of the columns, by their numbers.
    let columns: [UInt32]
    /// How many rows the statement gave or changed, as its command tag says; 0 if it says nothing.
    let affected: Int
    private let bytes: [UInt8]
    /// Where the bytes of each value are, row by row; nil: NULL.
    private let ranges: [Range<Int>?]

    init(columns: [UInt32], values: [[UInt8]?], affected: Int) {
        precondition(columns.isEmpty ? values.isEmpty : values.count % columns.count == 0, "each row has each column")
        self.columns = columns
        self.affected = affected
        var bytes: [UInt8] = []
        ranges = values.map { value in
            guard let value else { return nil }
            bytes += value
            return bytes.count - value.count..<bytes.count
        }
        self.bytes = bytes
    }

    init(columns: [UInt32], bytes: [UInt8], ranges: [Range<Int>?], affected: Int) {
        self.columns = columns
        self.bytes = bytes
        self.ranges = ranges
        self.affected = affected
    }

    var count: Int { columns.isEmpty ? 0 : ranges.count / columns.count }

    // MARK: Values, by row and column from 0

    func isNull(_ row: Int, _ column: Int) -> Bool { ranges[row * columns.count + column] == nil }

    /// Nil: NULL.
    func valueIfAny<Value: PostgresScalar>(
        _ row: Int, _ column: Int, as: Value.Type = Value.self
    ) throws(PostgresDecodingError) -> Value? {
        try decode(row, column, as: Value.postgresType) { Value(postgresBytes: $0) }
    }

    func value<Value: PostgresScalar>(
        _ row: Int, _ column: Int, as: Value.Type = Value.self
    ) throws(PostgresDecodingError) -> Value {
        guard let value = try valueIfAny(row, column, as: Value.self) else {
            throw PostgresDecodingError(row: row, column: column, problem: "is NULL, and a value was wanted")
        }
        return value
    }

    func array<Element: PostgresScalar>(
        _ row: Int, _ column: Int, of: Element.Type = Element.self
    ) throws(PostgresDecodingError) -> [Element?] {
        let elements = try decode(row, column, as: Element.postgresType.array) { PostgresArray.decode($0, of: of) }
        guard let elements else {
            throw PostgresDecodingError(row: row, column: column, problem: "is NULL, and an array was wanted")
        }
        return elements
    }

    private func decode<Value>(
        _ row: Int, _ column: Int, as type: PostgresType, _ read: (ArraySlice<UInt8>) -> Value?
    ) throws(PostgresDecodingError) -> Value? {
        // A table that has always one row may have lost it.
        guard row < count else {
            throw PostgresDecodingError(row: row, column: column, problem: "is not there: \(count) rows came")
        }
        guard columns[column] == type.oid else {
            throw PostgresDecodingError(
                row: row, column: column, problem: "is of type \(columns[column]), and \(type) was wanted")
        }
        guard let range = ranges[row * columns.count + column] else { return nil }
        guard let value = read(bytes[range]) else {
            throw PostgresDecodingError(row: row, column: column, problem: "is no \(type): \(range.count) bytes")
        }
        return value
    }
}

/// A column that is not what its reader takes it for: a fault of ours, or a schema that is another.
struct PostgresDecodingError: Error, Hashable, Sendable, CustomStringConvertible {
    let row: Int
    let column: Int
    let problem: String

    var description: String { "column \(column + 1) of row \(row + 1) \(problem)" }
}
