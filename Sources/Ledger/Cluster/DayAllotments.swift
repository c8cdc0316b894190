/// What is given of a day's calls to each member, in blocks, before they are made. So what all have spent is never over
/// the limit, whoever dies, and no call waits for another member's.
///
/// One value for each day, with a revision: whoever changes it loads it together with what was spent, and writes it if
/// the revision is still the same.
package struct DayAllotments: Equatable, Sendable {
    /// What one member was given of a day, and has not given back.
    package struct Share: Equatable, Sendable {
        package var allotted = 0
        /// Among these, for mass jobs.
        package var allottedBulk = 0
        /// The day's limit as that member has it set.
        package var limit: Int

        package init(limit: Int) {
            self.limit = limit
        }
    }

    /// Another one after each change.
    package var revision: Int64 = 0
    package var shares: [Int64: Share] = [:]
    /// The limit with which a member that asked was last told that the day is spent. Nil: since then somebody has been given
    /// calls, or the API alone has said so.
    package var spentLimit: Int?

    package init() {}

    /// So many calls are given at most: what a member that is never heard of again can keep from the others for as long
    /// as it is not known to have ended.
    static let longestBlock = 50
    /// A member is given its part of the rest in so many blocks at least.
    static let blocksOfAPart = 4

    package var allotted: Int { shares.values.reduce(0) { $0 + $1.allotted } }
    package var allottedBulk: Int { shares.values.reduce(0) { $0 + $1.allottedBulk } }

    /// Gives a member another block, or nothing, or takes back what it has left. `spent`: what each member has spent of
    /// the day, as it stands at this revision; a member that is not `alive` spends nothing more, ever.
    ///
    /// A request may be applied again, whatever has happened since: what it was to bring about is there then.
    package mutating func apply(
        _ request: DayRequest, by member: Int64, alive: Set<Int64>, spent: [Int64: Int]
    ) -> DayAnswer {
        let own = spent[member] ?? 0
        var next = self
        next.takeBack(alive: alive.union([member]), spent: spent)
        next.countUnallotted(spent)
        var share = next.shares[member] ?? Share(limit: request.limit)
        share.limit = request.limit
        if request.givesBack { share.giveBack(request, spent: own) }
        next.shares[member] = share
        let limits = next.shares.filter { alive.contains($0.key) || $0.key == member }.map(\.value.limit)
        // 0 is no limit.
        let limit = limits.filter { $0 > 0 }.min() ?? Int.max
        let allSpent = spent.values.reduce(0, +)
        if request.isAsking, !share.covers(request) {
            let block = next.block(request, limit: limit, members: max(1, alive.count))
            if block > 0 { next.spentLimit = nil } else if allSpent >= limit { next.spentLimit = limit }
            next.shares[member]?.allotted += block
            if request.bulkCeiling != nil {
                next.shares[member]?.allottedBulk += block
            } else if block == 0, share.allottedBulk > request.usedBulk {
                // At the end of the day's calls any job may have what mass jobs were allotted.
                next.shares[member]?.allottedBulk -= 1
            }
        }
        if next != self {
            next.revision += 1
            self = next
        }
        return DayAnswer(
            share: shares[member] ?? share, ownSpent: own, limit: limit, spent: allSpent, allottedBulk: allottedBulk,
            isOpenAgain: spentLimit.map { limit > $0 && allSpent < limit } ?? false)
    }

    private func block(_ request: DayRequest, limit: Int, members: Int) -> Int {
        let rest = limit - allotted
        let block = min(max(rest / (Self.blocksOfAPart * members), 1), Self.longestBlock)
        let left = min(rest, request.bulkCeiling.map { $0 - allottedBulk } ?? rest)
        return max(0, min(block, left))
    }

    /// Without a limit calls are made that nobody allots; of the day they are all the same. A share of such a member has no
    /// limit.
    private mutating func countUnallotted(_ spent: [Int64: Int]) {
        for (member, calls) in spent where calls > (shares[member]?.allotted ?? 0) {
            shares[member, default: Share(limit: 0)].allotted = calls
        }
    }

    /// What the dead have not spent is the others'. What they have spent may all have been for mass jobs.
    private mutating func takeBack(alive: Set<Int64>, spent: [Int64: Int]) {
        for member in shares.keys where !alive.contains(member) {
            guard var share = shares[member] else { continue }
            share.allotted = spent[member] ?? 0
            share.allottedBulk = min(share.allottedBulk, share.allotted)
            shares[member] = share
        }
    }
}

extension DayAllotments.Share {
    /// Whether the member has a call left that it does not know of: the answer that told of it was lost.
    fileprivate func covers(_ request: DayRequest) -> Bool {
        let bulk = allottedBulk - request.usedBulk
        let left = allotted - request.used
        return min(left, request.bulkCeiling == nil ? left - bulk : bulk) > 0
    }

    fileprivate mutating func giveBack(_ request: DayRequest, spent: Int) {
        allotted = min(allotted, max(spent, request.used))
        allottedBulk = min(allotted, allottedBulk, request.usedBulk)
    }
}

/// A member asks for calls of a day, or gives back what it has left.
///
/// It says what it has used, and hears what it has been allotted in all: so no answer that is lost takes a call with it.
package struct DayRequest: Equatable, Sendable {
    package var day: String
    package var limit: Int
    /// It has no call left that it knows of.
    package var isAsking: Bool
    /// It has no use for what it has left.
    package var givesBack = false
    /// For mass jobs that are spread over the day: how many all members together may have been given for them by now.
    /// Nil: the calls are for any job.
    package var bulkCeiling: Int?
    /// Calls of the day that the member has claimed with, or may be about to. Among these, of those for mass jobs.
    package var used: Int
    package var usedBulk: Int

    package init(
        day: String, limit: Int, isAsking: Bool = true, bulkCeiling: Int? = nil, used: Int = 0, usedBulk: Int = 0
    ) {
        self.day = day
        self.limit = limit
        self.isAsking = isAsking
        self.bulkCeiling = bulkCeiling
        self.used = used
        self.usedBulk = usedBulk
    }
}

/// What a member has been given of a day in all, and how the day stands for everybody.
package struct DayAnswer: Equatable, Sendable {
    package var share: DayAllotments.Share
    /// What the ledger has counted of this member.
    package var ownSpent: Int
    /// The lowest that a live member has set; `Int.max` if none has one.
    package var limit: Int
    package var spent: Int
    package var allottedBulk: Int
    /// The day was spent, and the limit is a higher one by now: a member has raised it, or one with a lower one has ended.
    package var isOpenAgain: Bool

    package init(
        share: DayAllotments.Share, ownSpent: Int, limit: Int, spent: Int, allottedBulk: Int, isOpenAgain: Bool = false
    ) {
        self.share = share
        self.ownSpent = ownSpent
        self.limit = limit
        self.spent = spent
        self.allottedBulk = allottedBulk
        self.isOpenAgain = isOpenAgain
    }
}
