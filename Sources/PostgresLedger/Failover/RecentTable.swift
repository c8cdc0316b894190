import Clocks

/// What was noted within the last minute, by its key; bounded, and what was noted first goes first. A standby that lags by
/// more is not one to fail over to.
struct RecentTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var entries: [Key: (value: Value, at: MonotonicTime, bytes: Int)] = [:]
    /// In the order of noting; a key that was noted again stands there more than once.
    private var order: ArraySlice<(key: Key, at: MonotonicTime)> = []
    private var bytes = 0
    private let most: Int
    private let mostBytes: Int

    static var age: Duration { .seconds(60) }

    init(most: Int, mostBytes: Int = .max) {
        (self.most, self.mostBytes) = (most, mostBytes)
    }

    var keys: [Key] { Array(entries.keys) }

    subscript(key: Key) -> Value? { entries[key]?.value }

    /// - Parameter bytes: what the value takes besides itself.
    mutating func note(_ value: Value, for key: Key, bytes size: Int = 0, at now: MonotonicTime) {
        bytes += size - (entries[key]?.bytes ?? 0)
        entries[key] = (value, now, size)
        order.append((key, now))
        forget(at: now)
    }

    private mutating func remove(_ key: Key) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        bytes -= entry.bytes
    }

    private mutating func forget(at now: MonotonicTime) {
        while let (key, at) = order.first {
            let isOld = at + Self.age < now || entries.count > most || bytes > mostBytes
            guard isOld || order.count > 4 * most else { break }
            order.removeFirst()
            if let entry = entries[key], entry.at == at { remove(key) }
        }
        // What was taken from the front is given back.
        if order.startIndex > 2 * most { order = ArraySlice(Array(order)) }
    }
}
