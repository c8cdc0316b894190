/// How something behaves that is asked by one at a time.
protocol Specification {
    associatedtype State: Equatable

    var start: State { get }

    /// What the operation may lead to if it is done now with the answer that it had: nothing if it cannot have had it.
    func states(after operation: Operation, in state: State) -> [State]
}

/// Looks for an order of the operations, done one at a time, that explains every answer: each is done at some moment
/// between its call and its return. Of what did not return each may be left out.
///
/// Jeannette Wing and Chun Gong, Testing and Verifying Concurrent Objects, 1993; what has been tried is remembered, as
/// Gavin Lowe describes in Testing for Linearizability, 2017.
struct Linearizability<Subject: Specification> {
    let specification: Subject
    let operations: [Operation]

    private struct Node {
        var done: [Bool]
        var state: Subject.State
    }

    /// Nil: there is such an order. Else the operations that were in none, at best.
    func contradiction() -> [Operation]? {
        var open = [Node(done: operations.map { _ in false }, state: specification.start)]
        var tried: [[Bool]: [Subject.State]] = [:]
        var rest = operations.count + 1
        var unexplained: [Operation] = []
        while let node = open.popLast() {
            let missing = operations.indices.filter { !node.done[$0] && operations[$0].returned != nil }
            if missing.isEmpty { return nil }
            if missing.count < rest { (rest, unexplained) = (missing.count, missing.map { operations[$0] }) }
            // Whoever was called after another had returned is done after it.
            let end = missing.compactMap { operations[$0].returned }.min() ?? .max
            for index in operations.indices.reversed() where !node.done[index] && operations[index].called < end {
                for state in specification.states(after: operations[index], in: node.state) {
                    var next = Node(done: node.done, state: state)
                    next.done[index] = true
                    guard tried[next.done]?.contains(state) != true else { continue }
                    tried[next.done, default: []].append(state)
                    open.append(next)
                }
            }
        }
        return unexplained
    }
}
