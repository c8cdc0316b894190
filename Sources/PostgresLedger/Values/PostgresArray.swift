/// The binary form of an array of one dimension, whose elements may be NULL.
/// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/arrayfuncs.c (`array_recv`)
enum PostgresArray {
    static func encode<Element: PostgresScalar>(_ elements: [Element?]) -> [UInt8] {
        var bytes: [UInt8] = []
        // An array without elements has no dimension either.
        bytes.append(bigEndian: Int32(elements.isEmpty ? 0 : 1))
        bytes.append(bigEndian: Int32(elements.contains { $0 == nil } ? 1 : 0))
        bytes.append(bigEndian: Element.postgresType.oid)
        guard !elements.isEmpty else { return bytes }
        bytes.append(bigEndian: Int32(elements.count))
        // Its first index, as SQL counts.
        bytes.append(bigEndian: Int32(1))
        for element in elements {
            guard let element else {
                bytes.append(bigEndian: Int32(-1))
                continue
            }
            let place = bytes.count
            bytes.append(bigEndian: Int32(0))
            element.append(to: &bytes)
            let size = Int32(bytes.count - place - 4)
            Swift.withUnsafeBytes(of: size.bigEndian) { bytes.replaceSubrange(place..<place + 4, with: $0) }
        }
        return bytes
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
