/// The named steps of a job's path. A test build can be killed on both sides of each of them.
package enum PathStep: String, CaseIterable, Sendable {
    case decode
    case lookUp = "look"
    case admit
    case claim
    case call
    case record
    case publishResult = "publish_result"
    case publishDeadLetter = "publish_letter"
    case publishCopy = "publish_copy"
    case mark
    case ack
}

/// Before or after a step.
package enum PathSide: String, CaseIterable, Sendable {
    case before
    case after
}

/// Called on both sides of each step, on the task that takes it. For tests: it may end the process.
package typealias PathHook = @Sendable (PathStep, PathSide) -> Void
