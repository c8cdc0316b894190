import Jobs

/// A ledger on its way from one place to another: copied page by page, compared whole, and then the old one is given up.
///
/// At no time may both be used. A kill leaves either the old one as it was, which may be used, or one that is refused
/// beside one that is not whole yet: the same move, begun again, goes on from there.
///
///     begin, add, add, …   the target is not to be used, the source may be once the mover has ended
///     compare              what has come is the same, and then outlasts a power cut
///     leave                from here on the source is refused
///     arrive               the target may be used
package struct LedgerMove {
    private let source: any MoveSource
    private let target: any MoveTarget
    private let beginsAnew: Bool
    private let onStep: (MoveStep) throws(LedgerError) -> Void

    /// In one transaction of the target, and read at once of either.
    package static let pageSize = 10_000

    /// - Parameters:
    ///   - beginsAnew: what has been copied by an earlier move is thrown away.
    ///   - onStep: called after each step, on the mover's thread; what it throws ends the move there.
    package init(
        from source: any MoveSource, to target: any MoveTarget, beginsAnew: Bool = false,
        onStep: @escaping (MoveStep) throws(LedgerError) -> Void
    ) {
        self.source = source
        self.target = target
        self.beginsAnew = beginsAnew
        self.onStep = onStep
    }

    /// Does what is left to do. Throws `.unusable` where the copy is not the same, or the two are in other moves.
    package func run(pageSize: Int = pageSize) throws(LedgerError) -> MoveOutcome {
        let phase = try MovePhase(
            source: source.mark, named: source.place, target: target.mark, named: target.place,
            moveID: source.moveID, beginsAnew: beginsAnew)
        switch phase {
        case .done: return .wasDone
        case .left:
            try target.arrive()
            return .finished
        case .fresh, .copying: break
        }
        let counts = try copyAndCompare(phase, pageSize)
        try target.makeDurable()
        try source.leave(to: target.place)
        try onStep(.left)
        try target.arrive()
        return .moved(counts)
    }

    /// The same without giving the source up, for a copy beside it.
    package func copy(pageSize: Int = pageSize) throws(LedgerError) -> MoveCounts {
        let counts = try copyAndCompare(.fresh, pageSize)
        try target.arrive()
        return counts
    }

    private func copyAndCompare(_ phase: MovePhase, _ pageSize: Int) throws(LedgerError) -> MoveCounts {
        var copied = 0
        var cursor: String?
        if case .copying(let reached) = phase {
            cursor = reached
            copied = try target.counts().jobs
        } else {
            try source.begin(to: target.place)
            try onStep(.marked)
            try target.begin(source.moveID, from: source.place, beginsAnew: beginsAnew)
            try onStep(.begun)
        }
        while true {
            let page = try source.page(after: cursor, limit: pageSize)
            if page.jobs.isEmpty { break }
            try target.add(page)
            copied += page.jobs.count
            cursor = page.cursor
            try onStep(.copied(copied, of: source.size))
        }
        try target.add(try source.beside())
        return try compare(pageSize)
    }

    // MARK: Comparing

    /// So many jobs are named that are not the same.
    private static let mostNamed = 5

    private func compare(_ pageSize: Int) throws(LedgerError) -> MoveCounts {
        var counts = MoveCounts()
        var differing: [JobID] = []
        var cursor: String?
        while true {
            let page = try source.page(after: cursor, limit: pageSize)
            if page.jobs.isEmpty { break }
            let found = try target.load(page.jobs.map(\.jobID))
            for job in page.jobs {
                counts.add(job)
                if found[job.jobID]?.comparable != job.comparable { differing.append(job.jobID) }
            }
            cursor = page.cursor
            try onStep(.compared(counts.jobs, of: source.size))
        }
        var problems: [String] = []
        if !differing.isEmpty {
            let named = differing.prefix(Self.mostNamed).map(\.string).joined(separator: ", ")
            problems.append("\(differing.count) jobs are not the same: \(named)")
        }
        let has = try target.counts()
        if has != counts {
            problems.append(
                "\(has.jobs) jobs, \(has.results) results and \(has.lines) lines of histories came of \(counts.jobs), "
                    + "\(counts.results) and \(counts.lines)")
        }
        let (beside, wanted) = (try target.beside(), try source.beside())
        if beside.days != wanted.days { problems.append("the days' counts are not the same") }
        if beside.holds != wanted.holds { problems.append("the records of holds are not the same") }
        guard problems.isEmpty else {
            throw .unusable(
                "what came to \(target.place) is not what \(source.place) has: \(problems.joined(separator: "; ")). "
                    + "Nothing was given up: \(source.place) is used as before, and --anew copies once more")
        }
        return counts
    }
}

/// What a move has just done.
package enum MoveStep: Equatable, Sendable {
    /// The source knows that it is being moved.
    case marked
    /// The target takes what comes.
    case begun
    case copied(Int, of: Int)
    case compared(Int, of: Int)
    /// The source is given up.
    case left
}

/// What a move came to.
package enum MoveOutcome: Equatable, Sendable {
    case moved(MoveCounts)
    /// An earlier one had been ended just before its last step.
    case finished
    /// There was nothing to do.
    case wasDone
}
