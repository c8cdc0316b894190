import Clocks
import Concurrency
import Ledger

/// That this member lives, and whether the database's clock can be trusted.
extension PostgresLoop {
    /// Shows that this member lives. If the others have taken it for dead, it joins anew.
    mutating func beat() throws(PostgresError) {
        guard let member = membership else { return }
        if member.needsNewEpoch, !isEnding { return try joinAnew(leavingFirst: true) }
        var batch = PostgresBatch()
        MemberStatements.time.add(to: &batch)
        let saysDraining = isDraining
        let beat = MemberStatements.beat(member, isDraining: saysDraining, lifetime: parts.lifetime)
        beat.add(to: &batch)
        let asked = parts.clock.now()
        let answer = try send(batch)
        let answered = parts.clock.now()
        nextBeatAt = asked + parts.heartbeatInterval
        parts.gauge.count { $0.leases.end(before: parts.clusterClock.wall()) }
        let found: MemberStatements.Beat
        do throws(PostgresDecodingError) {
            let time = try answer[0].time(0, 0)
            learnTime(time, asked: asked, answered: answered)
            failover.noteBeat(at: time)
            found = try beat.decode(answer.dropFirst())
        } catch {
            throw fault(error)
        }
        guard !found.isMember else {
            adopt(found.differing)
            // That it is to end has come meanwhile, and with it perhaps somebody who asks what the others see.
            if isDraining != saysDraining { try self.beat() }
            return
        }
        // Whoever said that it is gone, and heard no answer, does not come back for that.
        if isEnding, backlog.isEmpty {
            membership = nil
            return
        }
        try joinAnew()
    }

    /// - Parameter leavingFirst: in one commit with the end of the member that it was. What that one began is brought to its
    ///   end, as after any return.
    mutating func joinAnew(leavingFirst: Bool = false) throws(PostgresError) {
        guard let member = membership else { return }
        var batch = PostgresBatch()
        if leavingFirst { MemberStatements.leave(epoch: member.epoch).add(to: &batch) }
        addLastWatermark(of: member, to: &batch)
        let question = MemberStatements.join(member.description, isBack: true, lifetime: parts.lifetime)
        question.add(to: &batch)
        let asked = parts.clock.now()
        let answer = try send(batch)
        let joined: Int?
        do throws(PostgresDecodingError) {
            joined = try question.decode(answer.suffix(1))
        } catch {
            throw fault(error)
        }
        // Why not is read with the next connection.
        guard let epoch = joined else { throw refusedToJoin() }
        membership?.rejoin(as: epoch)
        // What the one that it was has written is published with a mark of its own from now on.
        outbox = outbox.begun(by: epoch)
        failover.joined = nil
        memberEpoch.withLock { $0 = epoch }
        parts.gauge.count { $0.rejoins += 1 }
        // It came as one that works.
        nextBeatAt = isDraining ? parts.clock.now() : asked + parts.heartbeatInterval
    }

    private func adopt(_ differing: [DifferingSetting]) {
        guard parts.gauge.reading.differing != differing else { return }
        parts.gauge.count { $0.differing = differing }
        parts.onDiffering(differing)
    }

    /// The last word of a member, once nothing of it waits.
    mutating func leave() throws(PostgresError) {
        guard let member = membership else { return }
        var batch = PostgresBatch()
        MemberStatements.leave(epoch: member.epoch).add(to: &batch)
        addLastWatermark(of: member, to: &batch)
        _ = try send(batch)
        membership = nil
    }

    private func addLastWatermark(of member: Membership, to batch: inout PostgresBatch) {
        if let below = outbox.last { OutboxRows.addWatermark(below, of: member.epoch, to: &batch) }
    }

    /// Whoever is taken for dead joins anew before it does anything else. True if it has.
    mutating func rejoinIfNeeded(_ state: ClusterMember.State?) throws(PostgresError) -> Bool {
        guard let epoch = membership?.epoch, !(state?.isLive ?? false) else { return false }
        landAll()
        try beat()
        return membership?.epoch != epoch
    }

    /// A clock that has jumped ends no lease for as long as one may last, whoever has it, and by whatever settings: until
    /// then a call under it may be on its way.
    mutating func learnTime(_ time: Timestamp, asked: MonotonicTime, answered: MonotonicTime) {
        guard parts.clusterClock.note(time, asked: asked, answered: answered) else { return }
        frozenUntil = answered + max(parts.durations.whole, LeaseDurations.longest)
        parts.gauge.count { $0.clockJumps += 1 }
    }

    private func refusedToJoin() -> PostgresError {
        PostgresError(
            kind: .unavailable, endpoint: "the ledger's database", attempted: "joining the other daemons anew",
            message: "the ledger lets nobody in")
    }

    func fault(_ error: PostgresDecodingError) -> PostgresError {
        PostgresError(
            kind: .fault, endpoint: "the ledger's database", attempted: "reading an answer", message: "\(error)")
    }
}
