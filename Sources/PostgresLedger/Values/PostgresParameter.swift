/// What stands for `$1`, `$2` … when a statement runs, in PostgreSQL's binary form.
struct PostgresParameter: Hashable, Sendable {
    let type: PostgresType
    /// Nil: NULL.
    let bytes: [UInt8]?

    init<Value: PostgresScalar>(_ value: Value?) {
        type = Value.postgresType
        bytes = value.map { value in
            var bytes: [UInt8] = []
            value.append(to: &bytes)
            return bytes
        }
    }

    private init(type: PostgresType, bytes: [UInt8]) {
        self.type = type
        self.bytes = bytes
    }

    init(_ array: consuming PostgresArrayBuilder, of element: PostgresType) {
        self.init(type: element.array, bytes: array.encoded())
    }

    static func value<Value: PostgresScalar>(_ value: Value?) -> Self { Self(value) }

    static func array<Element: PostgresScalar>(_ elements: [Element?]) -> Self {
        Self(type: Element.postgresType.array, bytes: PostgresArray.encode(elements))
    }
}
