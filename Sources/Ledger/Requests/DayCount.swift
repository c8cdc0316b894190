/// What was spent of a day's quota.
public struct DayCount: Equatable, Sendable {
    public var calls: Int
    public var probes: Int

    public init(calls: Int, probes: Int) {
        self.calls = calls
        self.probes = probes
    }
}
