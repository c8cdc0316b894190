import Clocks
import Concurrency
import Ledger

/// That this member lives, and whether the database's clock can be trusted.
extension PostgresLoop {
    /// Shows that this member lives. If the others have taken it for dead, it joins anew.
    mutating func beat() throws(PostgresError) {
        guard let member = membership else { return }
        var batch = PostgresBatch()
        MemberStatements.time.add(to: &batch)
        MemberStatements.addBeat(
            epoch: member.epoch, report: member.description.report(), lifetime: parts.lifetime, to: &batch)
        let asked = parts.clock.now()
        let answer = try send(batch)
        let answered = parts.clock.now()
        nextBeatAt = asked + parts.heartbeatInterval
        do throws(PostgresDecodingError) {
            learnTime(try answer[0].time(0, 0), asked: asked, answered: answered)
        } catch {
            throw fault(error)
        }
        guard answer[1].count == 0 else { return }
        var joining = PostgresBatch()
        let question = MemberStatements.join(member.description, lifetime: parts.lifetime)
        question.add(to: &joining)
        let joined = try send(joining)
        do throws(PostgresDecodingError) {
            let epoch = try question.decode(joined[...])
            membership?.rejoin(as: epoch)
            memberEpoch.withLock { $0 = epoch }
        } catch {
            throw fault(error)
        }
        parts.gauge.count { $0.rejoins += 1 }
        if isDraining { take([.drain]) }
    }

    /// Whoever is taken for dead joins anew before it does anything else. True if it has.
    mutating func rejoinIfNeeded(_ state: ClusterMember.State?) throws(PostgresError) -> Bool {
        guard let epoch = membership?.epoch, !(state?.isLive ?? false) else { return false }
        try beat()
        return membership?.epoch != epoch
    }

    /// A clock that has jumped ends no lease for as long as one may last: until then a call under it may be on its way.
    mutating func learnTime(_ time: Timestamp, asked: MonotonicTime, answered: MonotonicTime) {
        guard parts.clusterClock.note(time, asked: asked, answered: answered) else { return }
        frozenUntil = answered + parts.durations.whole
        parts.gauge.count { $0.clockJumps += 1 }
    }

    func fault(_ error: PostgresDecodingError) -> PostgresError {
        PostgresError(
            kind: .fault, endpoint: "the ledger's database", attempted: "reading an answer", message: "\(error)")
    }
}
