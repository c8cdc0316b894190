/// The columns of the rows that one statement is about: it takes an array of each, and makes rows of them again.
struct PostgresColumns<Row>: Sendable {
    struct Column: Sendable {
        let name: String
        let type: PostgresType
        fileprivate let append: @Sendable (Row, inout PostgresArrayBuilder) -> Void

        init<Value: PostgresScalar>(_ name: String, _ value: @escaping @Sendable (Row) -> Value?) {
            self.name = name
            type = Value.postgresType
            append = { row, builder in builder.append(value(row)) }
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
