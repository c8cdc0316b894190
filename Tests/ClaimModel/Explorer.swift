/// Breadth first through all states; the first violation is one by the fewest steps.
struct Explorer {
    struct Violation {
        var property: Property
        /// The fewest steps that lead there.
        var trace: [Transition]
    }

    private struct Origin {
        var state: UInt32
        /// Of that state's transitions.
        var transition: UInt16
    }

    private let model: Model
    private var table = StateTable()
    private var origins: [Origin] = []
    /// The fair transitions: where those of a state begin, and what they lead to.
    private var starts: [UInt32] = []
    private var targets: [UInt32] = []
    private var resting: [UInt32] = []
    private(set) var steps = 0

    var states: Int { table.count }

    init(_ model: Model) { self.model = model }

    /// Nil: nothing is wrong in any state.
    mutating func run() -> Violation? {
        _ = table.insert(model.start.code)
        origins.append(Origin(state: 0, transition: 0))
        var number = 0
        while number < table.count {
            let system = SystemState(table[number])
            starts.append(UInt32(targets.count))
            if system.isAtRest { resting.append(UInt32(number)) }
            model.explore(system)
            for (index, transition) in model.transitions.enumerated() {
                steps += 1
                if let broken = transition.broken {
                    return Violation(property: broken, trace: trace(to: number) + [transition])
                }
                let (next, isNew) = table.insert(transition.next)
                if isNew { origins.append(Origin(state: UInt32(number), transition: UInt16(index))) }
                if transition.isFair { targets.append(UInt32(next)) }
            }
            number += 1
        }
        starts.append(UInt32(targets.count))
        return deadEnd().map { Violation(property: .jobsEnd, trace: trace(to: $0)) }
    }

    /// The first state from which no fair transitions lead to rest.
    private func deadEnd() -> Int? {
        // The transitions turned round, by counting.
        var begins = [UInt32](repeating: 0, count: states + 1)
        for target in targets { begins[Int(target) + 1] += 1 }
        for state in 0..<states { begins[state + 1] += begins[state] }
        var ends = begins
        var sources = [UInt32](repeating: 0, count: targets.count)
        for state in 0..<states {
            for target in targets[Int(starts[state])..<Int(starts[state + 1])] {
                sources[Int(ends[Int(target)])] = UInt32(state)
                ends[Int(target)] += 1
            }
        }
        var ending = [Bool](repeating: false, count: states)
        var open = resting
        for state in open { ending[Int(state)] = true }
        while let state = open.popLast() {
            for source in sources[Int(begins[Int(state)])..<Int(begins[Int(state) + 1])] where !ending[Int(source)] {
                ending[Int(source)] = true
                open.append(source)
            }
        }
        return ending.firstIndex(of: false)
    }

    private func trace(to state: Int) -> [Transition] {
        var numbers: [Int] = []
        var state = state
        while state != 0 {
            numbers.append(state)
            state = Int(origins[state].state)
        }
        return numbers.reversed().map { number in
            model.explore(SystemState(table[Int(origins[number].state)]))
            return model.transitions[Int(origins[number].transition)]
        }
    }
}
