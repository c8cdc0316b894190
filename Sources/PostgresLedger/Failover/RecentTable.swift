import Clocks

/// What was noted within the last minute, by its key; bounded, and what was noted first goes first. A standby that lags by
/// more is not one to fail over to.
struct RecentTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry {
        let key: Key
        var value: Value
        /// Of its newest noting.
        var number: Int
        var bytes: Int
    }

    // Values are large: a table of hashes that has them in itself has as many empty places of that size.
    private var places: [Key: Int] = [:]
    private var entries: [Entry] = []
    /// In the order of noting; a key that was noted again stands there more than once.
    private var order: ArraySlice<(key: Key, number: Int, at: MonotonicTime)> = []
    private var lastNumber = 0
    private var bytes = 0
    private let most: Int
    private let mostBytes: Int

    static var age: Duration { .seconds(60) }

    init(most: Int, mostBytes: Int = .max) {
        (self.most, self.mostBytes) = (most, mostBytes)
    }

    var keys: [Key] { Array(places.keys) }

    subscript(key: Key) -> Value? { places[key].map { entries[$0].value } }

    /// Changes what is known of the key, or what it begins as.
    ///
    /// - Parameter size: the bytes that the value takes besides itself.
    mutating func note(
        _ key: Key, from beginning: @autoclosure () -> Value, at now: MonotonicTime, size: (Value) -> Int = { _ in 0 },
        _ change: (inout Value) -> Void
    ) {
        let place = places[key] ?? add(Entry(key: key, value: beginning(), number: 0, bytes: 0))
        change(&entries[place].value)
        let taken = size(entries[place].value)
        bytes += taken - entries[place].bytes
        lastNumber += 1
        (entries[place].bytes, entries[place].number) = (taken, lastNumber)
        order.append((key, lastNumber, now))
        forget(at: now)
    }

    private mutating func add(_ entry: Entry) -> Int {
        places[entry.key] = entries.count
        entries.append(entry)
        return entries.count - 1
    }

    /// The last takes its place.
    private mutating func remove(_ place: Int) {
        bytes -= entries[place].bytes
        places[entries[place].key] = nil
        let last = entries.removeLast()
        guard place < entries.count else { return }
        entries[place] = last
        places[last.key] = place
    }

    private mutating func forget(at now: MonotonicTime) {
        while let first = order.first {
            let isOld = first.at + Self.age < now || places.count > most || bytes > mostBytes
            guard isOld || isOvertaken(first) else { break }
            order.removeFirst()
            if !isOvertaken(first), let place = places[first.key] { remove(place) }
        }
        // What was taken from the front, and what was noted again, is given back.
        if order.startIndex > most || order.count > 4 * most { order = order.filter { !isOvertaken($0) }[...] }
    }

    /// It was noted again since, or is forgotten.
    private func isOvertaken(_ noting: (key: Key, number: Int, at: MonotonicTime)) -> Bool {
        places[noting.key].map { entries[$0].number != noting.number } ?? true
    }
}
