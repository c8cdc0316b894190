/// Rows for COPY, in its binary form.
/// https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.4
struct CopyRows {
    private var rows: [UInt8]
    private var count = 0

    private static let header = Array("PGCOPY\n".utf8) + [0xff, 0x0d, 0x0a, 0] + [UInt8](repeating: 0, count: 8)

    init() { rows = Self.header }

    var isEmpty: Bool { count == 0 }

    /// With the end behind the last one.
    var bytes: [UInt8] { rows + [0xff, 0xff] }

    /// Begins a row of so many columns, which are added next.
    mutating func begin(columns: Int16) {
        rows.append(bigEndian: columns)
        count += 1
    }

    mutating func add<Value: PostgresScalar>(_ value: Value?) {
        guard let value else { return rows.append(bigEndian: Int32(-1)) }
        let place = rows.count
        rows.append(bigEndian: Int32(0))
        value.append(to: &rows)
        let length = Int32(rows.count - place - 4)
        for (offset, shift) in [24, 16, 8, 0].enumerated() {
            rows[place + offset] = UInt8(truncatingIfNeeded: length >> Int32(shift))
        }
    }
}
