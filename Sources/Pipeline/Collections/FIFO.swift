/// First in, first out, both ends in amortised constant time.
struct FIFO<Element: Sendable>: Sendable {
    private var elements: [Element?] = []
    private var head = 0

    // Below this the cost of moving the rest down is not worth the memory it frees.
    private static var compactionThreshold: Int { 32 }

    var isEmpty: Bool { head == elements.count }
    var count: Int { elements.count - head }
    var first: Element? { isEmpty ? nil : elements[head] }
    var last: Element? { isEmpty ? nil : elements[elements.count - 1] }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    /// Puts an element before all others: it had its turn already and comes back.
    mutating func prepend(_ element: Element) {
        if head > 0 {
            head -= 1
            elements[head] = element
        } else {
            elements.insert(element, at: 0)
        }
    }

    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        defer {
            elements[head] = nil
            head += 1
            if head >= Self.compactionThreshold, head * 2 >= elements.count {
                elements.removeFirst(head)
                head = 0
            }
        }
        return elements[head]
    }
}

extension FIFO where Element: Equatable {
    /// Takes an element out wherever it is; the first or the last at once. Returns how many there were.
    mutating func remove(_ element: Element) -> Int {
        if let first, first == element {
            _ = popFirst()
            return 1
        }
        if let last, last == element {
            elements.removeLast()
            return 1
        }
        let before = count
        elements = elements[head...].filter { $0 != element }
        head = 0
        return before - count
    }
}
