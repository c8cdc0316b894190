/// A dictionary that forgets its oldest entries beyond a number, so that what is remembered of jobs has an end.
struct BoundedTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let most: Int
    private var values: [Key: Value] = [:]
    /// Keys in the order of their coming. One that was removed, or came again, may stand here besides.
    private var order = FIFO<Key>()

    init(most: Int) {
        self.most = most
    }

    subscript(key: Key) -> Value? {
        get { values[key] }
        set {
            guard let newValue else {
                values[key] = nil
                return
            }
            guard values.updateValue(newValue, forKey: key) == nil else { return }
            order.append(key)
            while order.count > most, let oldest = order.popFirst() { values[oldest] = nil }
        }
    }
}
