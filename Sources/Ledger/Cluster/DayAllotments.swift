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

    package init() {}

    /// So many calls are given at most: what a member that is never heard of again can keep from the others for as long
    /// as it is not known to have ended.
    static let longestBlock = 50
    /// A member is given its part of the rest in so many blocks at least.
    static let blocksOfAPart = 4

    package var allotted: Int { shares.values.reduce(0) { $0 + $1.allotted } }
    package var allottedBulk: Int { shares.values.reduce(0) { $0 + $1.allottedBulk } }

    /// Gives a member another block, or nothing. `spent`: what each member has spent of the day, as it stands at this
    /// revision; a member that is not `alive` spends nothing more, ever.
    package mutating func apply(
        _ request: DayRequest, by member: Int64, alive: Set<Int64>, spent: [Int64: Int]
    ) -> DayAnswer {
        var next = self
        next.takeBack(alive: alive.union([member]), spent: spent)
        next.giveBack(request, by: member, spent: spent[member] ?? 0)
        next.shares[member, default: Share(limit: request.limit)].limit = request.limit
        let limit = next.shares.filter { alive.contains($0.key) || $0.key == member }.map(\.value.limit).min()
        let block = next.block(request, limit: limit ?? request.limit, members: max(1, alive.count))
        next.shares[member]?.allotted += block
        if request.bulkCeiling != nil { next.shares[member]?.allottedBulk += block }
        if next != self {
            next.revision += 1
            self = next
        }
        return DayAnswer(
            calls: block, limit: limit ?? request.limit, spent: spent.values.reduce(0, +), allottedBulk: allottedBulk)
    }

    private func block(_ request: DayRequest, limit: Int, members: Int) -> Int {
        guard request.isAsking else { return 0 }
        let rest = limit - allotted
        let block = min(max(rest / (Self.blocksOfAPart * members), 1), Self.longestBlock)
        let left = min(rest, request.bulkCeiling.map { $0 - allottedBulk } ?? rest)
        return max(0, min(block, left))
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

    private mutating func giveBack(_ request: DayRequest, by member: Int64, spent: Int) {
        guard var share = shares[member] else { return }
        share.allotted = max(spent, share.allotted - request.returned - request.returnedBulk)
        share.allottedBulk = min(share.allotted, max(0, share.allottedBulk - request.returnedBulk))
        shares[member] = share
    }
}

/// A member asks for calls of a day, or gives some back that it has no use for.
package struct DayRequest: Equatable, Sendable {
    package var day: String
    package var limit: Int
    package var isAsking: Bool
    /// For mass jobs that are spread over the day: how many all members together may have been given for them by now.
    /// Nil: the calls are for any job.
    package var bulkCeiling: Int?
    package var returned = 0
    package var returnedBulk = 0

    package init(day: String, limit: Int, isAsking: Bool = true, bulkCeiling: Int? = nil) {
        self.day = day
        self.limit = limit
        self.isAsking = isAsking
        self.bulkCeiling = bulkCeiling
    }
}

/// What a member is given, and how the day stands for all.
package struct DayAnswer: Equatable, Sendable {
    package var calls: Int
    /// The lowest that a live member has set.
    package var limit: Int
    package var spent: Int
    package var allottedBulk: Int

    package init(calls: Int, limit: Int, spent: Int, allottedBulk: Int) {
        self.calls = calls
        self.limit = limit
        self.spent = spent
        self.allottedBulk = allottedBulk
    }
}
