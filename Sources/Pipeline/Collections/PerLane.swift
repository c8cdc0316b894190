import Messages

/// One value for each lane, in place: looking a lane up hashes nothing and allocates nothing.
struct PerLane<Value: Sendable>: Sendable {
    private var values: InlineArray<5, Value>

    init(repeating value: Value) {
        values = InlineArray(repeating: value)
    }

    subscript(lane: Lane) -> Value {
        get { values[lane.place] }
        _modify { yield &values[lane.place] }
    }

    func allSatisfy(_ predicate: (Value) -> Bool) -> Bool {
        for place in values.indices where !predicate(values[place]) { return false }
        return true
    }
}

extension Lane {
    fileprivate var place: Int {
        switch self {
        case .due: 0
        case .jobs: 1
        case .bulk: 2
        case .broken: 3
        case .cancel: 4
        }
    }
}
