import Clocks
import Concurrency
import Glibc
import Jobs
import Ledger

/// The connections for jobs, and the batches on them.
///
/// While one batch waits for its commit, the next may be on its way over another connection: on what no batch under way may
/// change, so that they land in any order. All else, such as a heartbeat, waits until all have landed.
extension PostgresLoop {
    /// Most answers come sooner. Until then nothing that is posted wakes the thread, which could only lay it beside what
    /// waits already: under load that is each request, and costs more than to take all of them with the answer.
    ///
    /// And until then one batch of all that comes costs less than two. What takes longer waits for a disk, a standby or a lock.
    private static var usualAnswer: Duration { .milliseconds(10) }

    private var underWay: [WriterConnection] { connections.filter { $0.batch != nil } }

    var isUnderWay: Bool { connections.contains { $0.batch != nil } }

    /// One of them is gone. The others end with what they have under way, and then all are made anew.
    var isLost: Bool { mustReconnect || connections.contains { $0.batch == nil && !$0.open.isUsable } }

    private var idle: WriterConnection? { connections.first { $0.batch == nil && $0.open.isUsable } }

    /// Which batches left alone for longest, so that a heartbeat hears of its end.
    private var rested: WriterConnection? {
        connections.filter { $0.batch == nil && $0.open.isUsable }.min { $0.usedAt < $1.usedAt }
    }

    var jobsUnderWay: Set<JobID> { claimedKeys.jobs.union(inPreparation.requests.map(\.request.jobID)) }

    /// What the batches under way may change.
    var claimedKeys: ClaimedKeys {
        var keys = ClaimedKeys()
        for batch in connections.compactMap(\.batch) {
            keys.add(batch.outgoing.sent, changing: batch.outgoing.changes.map(\.account))
        }
        return keys
    }

    /// Whether another batch departs beside those that are under way.
    var mayDepart: Bool {
        // A query sees what came before it, and what was undone goes first.
        guard idle != nil, !isLost, failures == 0, !isIsolating, !backlog.hasOthers,
            connections.allSatisfy({ $0.batch?.isOfJobs ?? true })
        else { return false }
        guard let oldest = connections.compactMap(\.batch?.departed).min() else { return true }
        let now = parts.clock.now()
        let isDue = backlog.dueAt.map { $0 <= now } ?? false
        return isDue && oldest + Self.usualAnswer <= now && backlog.hasReady(besides: claimedKeys)
    }

    // MARK: Connecting

    /// To one server.
    mutating func connect() throws(PostgresError) {
        mustReconnect = false
        connections = []
        while true {
            do throws(PostgresError) {
                while connections.count < parts.configuration.connections {
                    do throws(PostgresError) {
                        guard let opened = try openConnection() else { return connections = [] }
                        connections.append(opened)
                    } catch {
                        // The server has no more of them for this role: fewer do, too.
                        guard !connections.isEmpty, error.state == "53300" else { throw error }
                        break
                    }
                }
                mostBytes = connections.map { $0.open.mostBytes }.min() ?? 0
                // What it missed meanwhile comes before all else: it may be taken for dead, or the database be another.
                nextBeatAt = parts.clock.now()
                failover.mustCompare = true
                return
            } catch {
                connections = []
                let wait = rotation.fail(at: parts.clock.now())
                guard wait == .zero else {
                    nextWait = wait
                    throw error
                }
                take(mailbox.takeAll())
            }
        }
    }

    /// Nil: it is no ledger that this process can work on.
    private mutating func openConnection() throws(PostgresError) -> WriterConnection? {
        var configuration = parts.configuration
        configuration.connectTimeout = timeLeft(configuration.connectTimeout)
        var opened = try PostgresConnection.open(to: rotation.current, configuration, clock: parts.clock)
        let found = try LedgerIdentity.read(&opened, within: configuration.connectTimeout)
        guard found.ledger == parts.identity.ledger else {
            disable(.unusable("\(opened.endpoint) has another ledger than before: start again if that was meant"))
            return nil
        }
        // It was moved, or its schema has made a step which this program cannot work with.
        if let problem = found.problem(endpoint: opened.endpoint) {
            disable(.unusable(problem))
            return nil
        }
        if found.usesOutboxes { outbox.use() }
        return WriterConnection(opened, at: parts.clock.now())
    }

    // MARK: One batch whose answer is waited for

    /// Sends a batch and waits for its answer; meanwhile what comes is taken, and batches under way land: whoever has asked
    /// for them does not wait for a lock, or a server, that this one waits for.
    ///
    /// Only what is read for a batch is awaited beside others, and it rests on nothing that these may change, see
    /// `ClaimedKeys`. Landing sends nothing and makes no connection anew: both come with the next attempt.
    ///
    /// - Parameter connection: nil: whichever has rested for longest.
    mutating func send(
        _ batch: PostgresBatch, over connection: WriterConnection? = nil
    ) throws(PostgresError) -> [PostgresRows] {
        guard let connection = connection ?? rested else {
            throw PostgresError(
                kind: .unavailable, endpoint: "the ledger's database", attempted: "sending a batch",
                message: "the connection has ended")
        }
        let asked = parts.clock.now()
        connection.usedAt = asked
        try connection.open.begin(batch, within: timeLeft(parts.batchTimeout))
        while true {
            let (isLate, others) = (isLate(connection), underWay)
            awaitAny(of: [connection] + others, isLate: isLate)
            for other in others { land(other) }
            if let answer = try connection.open.advance() {
                let rows = try answer.rows()
                parts.gauge.answered(after: parts.clock.now() - asked)
                return rows
            }
            guard isLate else { continue }
            take(mailbox.takeAll())
            if isGivenUp(connection) { throw connection.open.abandon(Self.nobodyWaits) }
        }
    }

    // MARK: Batches under way

    /// Sends a batch, whose answer is taken by `land`.
    mutating func depart(_ batch: DepartedBatch) throws(PostgresError) {
        guard let connection = idle else { preconditionFailure("a batch departs over an idle connection") }
        connection.usedAt = batch.departed
        try connection.open.begin(batch.outgoing.batch, within: timeLeft(parts.batchTimeout))
        connection.batch = batch
    }

    /// Until all have landed.
    mutating func landAll() {
        while isUnderWay {
            awaitLanding()
            take(mailbox.takeAll())
        }
    }

    /// Waits until something came of a batch under way, it is time to look for another, or one is given up.
    mutating func awaitLanding() {
        let waiting = underWay
        awaitAny(of: waiting, isLate: waiting.contains { isLate($0) })
        for connection in waiting { land(connection) }
    }

    /// - Parameter isLate: whether what is posted ends the wait as well.
    private func awaitAny(of waiting: [WriterConnection], isLate: Bool) {
        let descriptors = waiting.map { $0.open.descriptor }
        guard isLate else { return Readiness.wait(forAny: descriptors, atMost: Self.usualAnswer) }
        var end: MonotonicTime?
        for connection in waiting {
            end = MonotonicTime.earliest(end, MonotonicTime.earliest(connection.open.deadline, givenUpAt(connection)))
        }
        mailbox.wait(atMost: end.map { max(.zero, $0 - parts.clock.now()) }, alsoReadable: descriptors)
    }

    private func isLate(_ connection: WriterConnection) -> Bool {
        connection.usedAt + Self.usualAnswer <= parts.clock.now()
    }

    /// Takes what has come of its batch.
    private mutating func land(_ connection: WriterConnection) {
        guard let batch = connection.batch else { return }
        let result: Result<[PostgresRows], PostgresError>
        do throws(PostgresError) {
            if let answer = try connection.open.advance() {
                result = .success(try answer.rows())
            } else if isGivenUp(connection) {
                result = .failure(connection.open.abandon(Self.nobodyWaits))
            } else {
                return
            }
        } catch {
            result = .failure(error)
        }
        connection.batch = nil
        parts.gauge.answered(after: parts.clock.now() - batch.departed)
        end(batch, result)
    }

    private static var nobodyWaits: String { "nobody waits for the answer any more" }

    /// Whoever ends it waits no longer than it says.
    private func givenUpAt(_ connection: WriterConnection) -> MonotonicTime? {
        closing.map { max($0.deadline, connection.usedAt + Self.leastTime) }
    }

    private func isGivenUp(_ connection: WriterConnection) -> Bool {
        givenUpAt(connection).map { $0 <= parts.clock.now() } ?? false
    }

    /// At the end nothing takes longer than whoever ends it wants to wait.
    private func timeLeft(_ usual: Duration) -> Duration {
        closing.map { min(usual, max(Self.leastTime, $0.deadline - parts.clock.now())) } ?? usual
    }
}
