/// A type of PostgreSQL's own catalogue, by the number that it has in every database.
/// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/catalog/pg_type.dat
struct PostgresType: Hashable, Sendable, CustomStringConvertible {
    let oid: UInt32
    private let name: String
    /// Of the type's arrays; 0 for an array.
    private let arrayOID: UInt32

    private init(_ name: String, _ oid: UInt32, array: UInt32) {
        self.name = name
        self.oid = oid
        arrayOID = array
    }

    static let bool = Self("boolean", 16, array: 1000)
    static let bytea = Self("bytea", 17, array: 1001)
    static let int2 = Self("smallint", 21, array: 1005)
    static let int4 = Self("integer", 23, array: 1007)
    static let int8 = Self("bigint", 20, array: 1016)
    static let text = Self("text", 25, array: 1009)
    static let timestamptz = Self("timestamptz", 1184, array: 1185)

    /// Arrays of this type, of any length.
    var array: Self {
        precondition(arrayOID > 0, "an array's elements are scalars")
        return Self("\(name)[]", arrayOID, array: 0)
    }

    var description: String { name }
}
