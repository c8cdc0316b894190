import Clocks

/// What happens when, earliest first: a binary heap. Entries that no longer matter are recognised when they come up.
struct TimerQueue<Event: Sendable>: Sendable {
    private var heap: [(time: MonotonicTime, event: Event)] = []

    var earliest: MonotonicTime? { heap.first?.time }

    mutating func schedule(_ event: Event, at time: MonotonicTime) {
        heap.append((time, event))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].time < heap[parent].time else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// The earliest event that is due at `now`, taken out.
    mutating func popDue(at now: MonotonicTime) -> Event? {
        guard let first = heap.first, first.time <= now else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first.event }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].time < heap[least].time { least = child }
            }
            guard least != parent else { return first.event }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
