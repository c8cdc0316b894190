import Messages

/// Whose turn it is among the lanes: smooth weighted round robin, so that a weight of four is every other turn and not
/// four turns in a row.
struct LaneTurns: Sendable {
    /// One turn in thirteen is a twelfth more for the others; what begins late or ends late has the rest of the tenth.
    private static let weightBesideBulk = 12

    private var credit = PerLane(repeating: 0)

    /// The next lane that `hasWork`, or nil. Each call is one turn.
    mutating func next(among hasWork: (Lane) -> Bool) -> Lane? {
        var best: Lane?
        var total = 0
        let isOne = hasWork(.due) != hasWork(.jobs)
        for lane in Lane.allCases where lane.weight > 0 && hasWork(lane) {
            // What an idle lane leaves is not for mass jobs: they delay a lane that is alone with them by a tenth at
            // most.
            let weight = isOne && lane != .bulk ? Self.weightBesideBulk : lane.weight
            total += weight
            credit[lane] += weight
            if best.map({ credit[lane] > credit[$0] }) ?? true { best = lane }
        }
        if let best { credit[best] -= total }
        return best
    }
}

extension Lane {
    /// Turns of each lane in one round while all have work: bulk never starves, and never delays the others by more
    /// than a ninth.
    var weight: Int {
        switch self {
        case .due, .jobs: 4
        case .bulk: 1
        // Never queued by turns: each is closed as soon as it comes.
        case .broken, .cancel: 0
        }
    }
}
