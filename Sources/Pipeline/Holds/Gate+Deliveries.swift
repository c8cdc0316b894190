import Clocks

/// What becomes of what is in flight while holds stand.
extension Gate {
    /// How long what is in the way stays away.
    func awayTime(at now: MonotonicTime) -> Duration { heldCauses.awayTime(at: now) }

    /// Whether what is in flight stays there: publishing is what is broken, or every hold is tested again soon.
    func keepsDeliveries(at now: MonotonicTime) -> Bool { heldCauses.keepsDeliveries(at: now) }
}
