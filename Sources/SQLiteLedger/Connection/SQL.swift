import Concurrency

/// The text of a statement that is used again and again, made once as a constant. A connection knows what it prepared
/// of it by the number: hashing such long texts cost as much as the shorter statements themselves.
struct SQL: Sendable {
    let text: String
    let number: Int

    // How many there are; under the lock, because a constant is made on the thread that needs it first.
    private static let count = Lock(0)

    init(_ text: String) {
        self.text = text
        number = Self.count.withLock { count in
            defer { count += 1 }
            return count
        }
    }
}
