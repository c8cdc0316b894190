import Clocks

/// What is in flight of one lane, of as many as the broker gives out at once.
struct LaneWindow: Sendable {
    /// Deliveries of the lane that have not been settled.
    private(set) var inFlight = 0
    /// Accounts that fill an eighth of the window or more.
    var floods = 0
    /// End of the time in which the window still counts as crowded after it was nearly full.
    private var crowdedUntil: MonotonicTime?
    private var sweptAt: MonotonicTime?

    /// A full window is never quite full while settlements are on their way to the broker and its next deliveries on
    /// theirs back. If nothing has filled it for so long, the broker has no more.
    static let lull = Duration.seconds(1)

    /// `capacity`: the most that the broker gives out.
    mutating func take(capacity: Int, at now: MonotonicTime) {
        inFlight += 1
        // Less is a crowd only where it was one already.
        let isNearlyFull = inFlight >= capacity - capacity / 4 && isCrowded(capacity: capacity, at: now)
        if inFlight >= capacity || isNearlyFull { crowdedUntil = now + Self.lull }
    }

    mutating func give() { inFlight -= 1 }

    /// Whether the window is full, or was nearly so a moment ago: the broker may hold more messages behind it.
    func isCrowded(capacity: Int, at now: MonotonicTime) -> Bool {
        guard capacity > 0 else { return false }
        return inFlight >= capacity || crowdedUntil.map { $0 > now } ?? false
    }

    /// True once a lull: who takes places that others could use changes as time passes.
    mutating func mustBeSwept(at now: MonotonicTime) -> Bool {
        if let sweptAt, now - sweptAt < Self.lull { return false }
        sweptAt = now
        return true
    }

    // MARK: Parts

    /// From so many places on an account is a flood.
    static func flood(capacity: Int) -> Int { max(2, capacity / 8) }

    /// What one account may fill of a crowded window: half; where several are floods, their part of that half, but what
    /// makes no flood in any case.
    func part(capacity: Int) -> Int {
        max(
            1, Self.flood(capacity: capacity) <= capacity / 2 ? Self.flood(capacity: capacity) : 1,
            capacity / 2 / max(1, floods))
    }
}
