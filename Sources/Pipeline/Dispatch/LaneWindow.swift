import Threads

/// What is in hand of one lane, of as many as the broker gives out at once.
struct LaneWindow: Sendable {
    /// Deliveries of the lane that have not been settled.
    private(set) var inHand = 0
    /// Accounts that fill an eighth of the window or more.
    var floods = 0
    /// It was nearly full a moment ago, whatever it is now.
    private var crowdedUntil: MonotonicTime?
    private var sweptAt: MonotonicTime?

    /// A full window is never quite full while settlements are on their way to the broker and its next deliveries on
    /// theirs back. If nothing has filled it for so long, the broker has no more.
    static let lull = Duration.seconds(1)

    /// `room`: the most that the broker gives out.
    mutating func take(room: Int, at now: MonotonicTime) {
        inHand += 1
        // Less is a crowd only where it was one already.
        let isNearlyFull = inHand >= room - room / 4 && isCrowded(room: room, at: now)
        if inHand >= room || isNearlyFull { crowdedUntil = now + Self.lull }
    }

    mutating func give() { inHand -= 1 }

    /// Whether the broker may have more that it cannot give out. Nobody knows what.
    func isCrowded(room: Int, at now: MonotonicTime) -> Bool {
        guard room > 0 else { return false }
        return inHand >= room || crowdedUntil.map { $0 > now } ?? false
    }

    /// True once a lull: who takes places that others could use changes as time passes.
    mutating func mustBeSwept(at now: MonotonicTime) -> Bool {
        if let sweptAt, now - sweptAt < Self.lull { return false }
        sweptAt = now
        return true
    }

    // MARK: Parts

    /// From so many places on an account is a flood.
    static func flood(room: Int) -> Int { max(2, room / 8) }

    /// What one account may fill of a crowded window: half; where several are floods, their part of that half, but what
    /// makes no flood in any case.
    func part(room: Int) -> Int {
        max(1, Self.flood(room: room) <= room / 2 ? Self.flood(room: room) : 1, room / 2 / max(1, floods))
    }
}
