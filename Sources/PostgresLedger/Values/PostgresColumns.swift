/// The columns of the rows that one statement is about: it takes an array of each, and makes rows of them again.
struct PostgresColumns<Row>: Sendable {
    struct Column: Sendable {
        let name: String
        let type: PostgresType
        fileprivate let append: @Sendable (Row, inout PostgresArrayBuilder) -> Void
        /// Whether two rows have the same there.
        let isAlike: @Sendable (Row, Row) -> Bool
        private let text: @Sendable (Row) -> String?

        init<Value: PostgresScalar>(_ name: String, _ value: @escaping @Sendable (Row) -> Value?) {
            self.name = name
            type = Value.postgresType
            append = { row, builder in builder.append(value(row)) }
            isAlike = { value($0) == value($1) }
            text = { row in value(row).map { "\($0)" } }
        }

        /// The same column of rows that have such a row in them.
        init<Part>(_ column: PostgresColumns<Part>.Column, of part: @escaping @Sendable (Row) -> Part) {
            name = column.name
            type = column.type
            append = { row, builder in column.append(part(row), &builder) }
            isAlike = { column.isAlike(part($0), part($1)) }
            text = { column.text(part($0)) }
        }

        /// What a row has there, a number, a truth value or nothing, as SQL has it.
        func constant(of row: Row) -> String {
            guard let text = text(row) else { return "NULL::\(type)" }
            precondition([PostgresType.bool, .int2, .int4, .int8].contains(type), "\(name) has no constant")
            return "\(text)::\(type)"
        }
    }

    let columns: [Column]

    init(_ columns: [Column]) {
        self.columns = columns
    }

    var count: Int { columns.count }
    var types: [PostgresType] { columns.map(\.type.array) }

    /// One of each column, in their order.
    func parameters(_ rows: [Row]) -> [PostgresParameter] {
        var arrays = columns.map { PostgresArrayBuilder(of: $0.type, count: rows.count) }
        // Row by row: each is copied out of its array once, with all that it refers to, and not for each of its columns.
        for row in rows {
            for (place, column) in columns.enumerated() { column.append(row, &arrays[place]) }
        }
        return zip(arrays, columns).map { PostgresParameter($0, of: $1.type) }
    }

    // MARK: SQL

    /// The rows, as a table of that name.
    /// - Parameter first: the number of the first parameter.
    func table(_ name: String, from first: Int) -> String {
        let arrays = columns.indices.map { "$\(first + $0)" }.joined(separator: ", ")
        return "unnest(\(arrays)) AS \(name) (\(columns.map(\.name).joined(separator: ", ")))"
    }

    /// Of the array of that column.
    func place(of name: String, from first: Int) -> String {
        guard let index = columns.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("there is a column \(name)")
        }
        return "$\(first + index)"
    }
}
