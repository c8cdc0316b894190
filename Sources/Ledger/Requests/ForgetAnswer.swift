/// What came of forgetting one job.
package enum ForgetAnswer: Equatable, Sendable {
    case forgotten
    /// There is nothing about it.
    case unknown
    /// It is open, or the broker is not known to have its result or dead letter: without a memory its next delivery
    /// would be called again, or its result lost. Nothing was changed.
    case needed
}
