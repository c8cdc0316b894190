/// The binary form of an array of one dimension, whose elements may be NULL.
/// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/arrayfuncs.c (`array_recv`)
enum PostgresArray {
    static func encode<Element: PostgresScalar>(_ elements: [Element?]) -> [UInt8] {
        var builder = PostgresArrayBuilder(of: Element.postgresType, count: elements.count)
        for element in elements { builder.append(element) }
        return builder.encoded()
    }

    /// Nil if the bytes are no array of such elements, or one of several dimensions.
    static func decode<Element: PostgresScalar>(
        _ bytes: ArraySlice<UInt8>, of: Element.Type = Element.self
    ) -> [Element?]? {
        var reader = Reader(rest: bytes)
        guard let dimensions = reader.number(), reader.number() != nil, let type = reader.number(),
            UInt32(bitPattern: type) == Element.postgresType.oid
        else { return nil }
        if dimensions == 0 { return reader.rest.isEmpty ? [] : nil }
        guard dimensions == 1, let count = reader.number(), reader.number() != nil, count >= 0 else { return nil }
        // Each element has four bytes at least: a count that lies allocates nothing.
        guard Int(count) <= reader.rest.count / 4 else { return nil }
        var elements: [Element?] = []
        elements.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let size = reader.number() else { return nil }
            if size == -1 {
                elements.append(nil)
            } else {
                guard let piece = reader.take(Int(size)), let element = Element(postgresBytes: piece) else {
                    return nil
                }
                elements.append(element)
            }
        }
        return reader.rest.isEmpty ? elements : nil
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func number() -> Int32? { take(4).flatMap { Int32(bigEndianBytes: $0) } }

        mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count >= 0, count <= rest.count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
    }
}
