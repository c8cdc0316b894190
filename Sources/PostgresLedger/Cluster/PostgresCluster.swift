import Clocks
package import Ledger

extension DatabaseLedger {
    /// What the members share besides the jobs, as this one sees it.
    package var cluster: PostgresCluster { PostgresCluster(ledger: self) }
}

/// What the members share, in the ledger's database. Every question goes with the ledger's next batch.
package struct PostgresCluster: Cluster {
    let ledger: DatabaseLedger

    /// Others change the same rows: then it is loaded and decided again. More often than members are, something is wrong.
    private static let tries = 100

    /// 0 for a process that is no member.
    package var epoch: Int64 { Int64(ledger.epoch ?? 0) }

    package var name: String { ledger.memberName }

    package func look(since version: Int64) async throws(LedgerError) -> ClusterNews {
        let epoch = epoch
        let found = try await load(since: version).found
        return ClusterNews(state: found.state, alive: found.alive.union([epoch]), member: epoch)
    }

    package func change(_ change: ClusterChange) async throws(LedgerError) -> ClusterAnswer {
        for _ in 0..<Self.tries {
            let epoch = try member()
            let beginsBefore = ledger.clusterClock.now() + ledger.durations.sendWindow
            let (found, isNewest) = try await load(since: -1)
            guard let before = found.state else { preconditionFailure("no version is below 0") }
            // Through a pooler it may be another server before this process notices.
            guard isNewest else {
                throw .unavailable("the ledger's database has lost what all share, and it is written again first")
            }
            var state = before
            guard
                state.apply(
                    change, by: Int64(epoch), alive: found.alive, turnTime: ledger.durations.whole, at: found.now)
            else { return ClusterAnswer(isAccepted: false, state: before, beginsBefore: beginsBefore) }
            let next = state
            let stored = next.json(over: found.stored)
            let memory = ledger.sharedMemory
            let isSaved = try await ledger.ask { _ in
                ClusterStatements.save(stored, over: before.version, by: epoch).reading { isSaved in
                    if isSaved { memory.note(version: next.version, stored: stored) }
                    return isSaved
                }
            }
            if isSaved {
                return ClusterAnswer(isAccepted: true, state: next, beginsBefore: beginsBefore)
            }
        }
        throw .unavailable("what the members share changes too fast")
    }

    /// `isNewest`: no newer version was known when this one was read.
    private func load(
        since version: Int64
    ) async throws(LedgerError) -> (found: ClusterStatements.Found, isNewest: Bool) {
        let memory = ledger.sharedMemory
        return try await ledger.ask { _ in
            ClusterStatements.load(since: version).reading { found in
                let isNewest = found.state.map { memory.note(version: $0.version, stored: found.stored) }
                return (found, isNewest ?? true)
            }
        }
    }

    package func allot(_ request: DayRequest) async throws(LedgerError) -> DayAnswer {
        for _ in 0..<Self.tries {
            let epoch = try member()
            let found = try await ledger.ask { _ in ClusterStatements.load(day: request.day) }
            var allotments = found.allotments
            let answer = allotments.apply(request, by: Int64(epoch), alive: found.alive, spent: found.spent)
            if allotments == found.allotments { return answer }
            let next = allotments
            let isSaved = try await ledger.ask { _ in
                ClusterStatements.save(next, of: request.day, over: found, by: epoch)
            }
            if isSaved { return answer }
        }
        throw .unavailable("what the members share changes too fast")
    }

    package func acknowledge(_ version: Int64) async throws(LedgerError) {
        let epoch = try member()
        try await ledger.ask { _ in ClusterStatements.acknowledge(version, by: epoch) }
    }

    package func membersBehind(_ version: Int64) async throws(LedgerError) -> [MemberIdentity] {
        try await ledger.ask { _ in ClusterStatements.membersBehind(version) }
    }

    private func member() throws(LedgerError) -> Int {
        guard let epoch = ledger.epoch else { throw .unavailable("this process is no member") }
        return epoch
    }
}
