/// An array of one dimension in its binary form, element by element.
struct PostgresArrayBuilder: Sendable {
    private let element: PostgresType
    /// The head, and behind it each element after its length.
    private var bytes: [UInt8]
    private var count: Int32 = 0
    private var hasNull = false

    /// Dimensions, whether there is a NULL, the elements' type; then of the dimension its size and its first index.
    private static let headSize = 20
    /// An array without elements has no dimension either.
    private static let emptySize = 12
    /// Enough for all that is no text: no array of those grows while it is made.
    private static let usualElement = 12

    /// - Parameter count: how many are to come.
    init(of element: PostgresType, count: Int) {
        self.element = element
        bytes = []
        bytes.reserveCapacity(Self.headSize + count * Self.usualElement)
        bytes.append(contentsOf: repeatElement(0, count: Self.headSize))
    }

    mutating func append<Value: PostgresScalar>(_ value: Value?) {
        precondition(Value.postgresType.oid == element.oid, "an array has elements of one type")
        count += 1
        guard let value else {
            hasNull = true
            return bytes.append(bigEndian: Int32(-1))
        }
        let place = bytes.count
        bytes.append(bigEndian: Int32(0))
        value.append(to: &bytes)
        put(Int32(bytes.count - place - 4), at: place)
    }

    private mutating func put(_ number: Int32, at place: Int) {
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: number.bigEndian, toByteOffset: place, as: Int32.self) }
    }

    consuming func encoded() -> [UInt8] {
        put(count == 0 ? 0 : 1, at: 0)
        put(hasNull ? 1 : 0, at: 4)
        put(Int32(bitPattern: element.oid), at: 8)
        guard count > 0 else { return Array(bytes.prefix(Self.emptySize)) }
        put(count, at: 12)
        // As SQL counts.
        put(1, at: 16)
        return bytes
    }
}
