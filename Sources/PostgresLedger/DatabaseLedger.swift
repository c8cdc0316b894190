package import Clocks
import Concurrency
import Jobs
package import Ledger

/// The ledger in PostgreSQL, which several processes share: one thread that decides and writes, one that reads beside.
///
/// While the database is away looks and claims throw `.unavailable`, records, withdrawals and marks wait in memory,
/// first in line, and it tries again by itself. A commit of which it is not known whether it was made is settled before
/// anything rests on it.
package final class DatabaseLedger: LedgerKeeping {
    /// Host and database, for people.
    package let place: String
    package let durations: LeaseDurations
    /// The clock that the members share.
    package let clusterClock: ClusterClock
    let thread: MailboxThread<PostgresOperation>
    let reader: PostgresReader
    /// What is written into records and marks: the members' clock, but for a test.
    package let clock: any TimeSource
    /// What the database said it is when the ledger was opened.
    let identity: LedgerIdentity
    let gauge: PostgresGauge
    let sharedMemory = ClusterMemory()
    // Written by the ledger's thread, read by anyone; under the lock.
    private let memberEpoch: Lock<Int?>
    /// As the members' table has it.
    let memberName: String
    let looksAtStandbys: Bool
    // Written and read by who asks for the database's condition; under the lock.
    let xminHistory = Lock(XminHistory())
    /// Records, withdrawals and marks that have been posted and not answered.
    // Written by who posts and by the ledger's thread, read by whoever closes; under the lock.
    let unwritten = Lock(UnwrittenRequests())
    // Written by whoever closes first; under the lock.
    private let isJoined = Lock(false)

    /// Becomes a member of those who work on the ledger. It connects at once, and returns when the row is committed.
    ///
    /// `onHealth`, `onCommit`, `onRoundTrip`, `onBehind` and `onDiffering` are called on the ledger's thread, and must not
    /// block. `onRoundTrip` has the time from a batch's sending to its answer, of which a commit takes two. `onBehind` has
    /// the delivery of a copy that knows more of its job than the ledger did: it has lost that. `onDiffering` has the
    /// settings in which live members differ from this one, each time that they are others than before. `lastTimeline`: of
    /// the database, as the last process on this host knew it; if it is another by now, all compare before anyone claims.
    /// `grants`: what this process knows of those that the ledger has.
    ///
    /// - Throws: `.unusable` for what an operator has to correct, in one line: role, password, no schema or another,
    ///   rights, a standby alone. `.unavailable` if the database is away: then it may be tried again.
    package static func join(
        _ configuration: PostgresConfiguration, member: MemberDescription, durations: LeaseDurations,
        clock: any TimeSource = SystemTimeSource(),
        onHealth: @escaping @Sendable (LedgerHealth) -> Void = { _ in },
        onCommit: @escaping @Sendable (_ operations: Int, _ took: Duration) -> Void = { _, _ in },
        onRoundTrip: @escaping @Sendable (_ took: Duration) -> Void = { _ in },
        onBehind: @escaping @Sendable (Arrival) -> Void = { _ in },
        onDiffering: @escaping @Sendable ([DifferingSetting]) -> Void = { _ in }, lastTimeline: Int? = nil,
        grants: GrantMemory? = nil
    ) async throws(LedgerError) -> DatabaseLedger {
        var parts = Parts(
            configuration: configuration, durations: durations, clock: clock, onHealth: onHealth, onCommit: onCommit,
            onRoundTrip: onRoundTrip, onBehind: onBehind, onDiffering: onDiffering)
        parts.lastTimeline = lastTimeline
        parts.grants = grants
        return try await open(parts, member: member)
    }

    /// The ledger without a place among its members, for a command while no daemon is asked: it claims nothing.
    package static func attach(
        _ configuration: PostgresConfiguration, clock: any TimeSource = SystemTimeSource()
    ) async throws(LedgerError) -> DatabaseLedger {
        var configuration = configuration
        // A command asks one thing at a time.
        configuration.connections = 1
        let parts = Parts(
            configuration: configuration, durations: LeaseDurations(callTimeout: .zero), clock: clock)
        return try await open(parts, member: nil)
    }

    /// What it is opened with.
    struct Parts: Sendable {
        var configuration: PostgresConfiguration
        var durations: LeaseDurations
        var clock: any TimeSource = SystemTimeSource()
        var onHealth: @Sendable (LedgerHealth) -> Void = { _ in }
        var onCommit: @Sendable (_ operations: Int, _ took: Duration) -> Void = { _, _ in }
        var onRoundTrip: @Sendable (_ took: Duration) -> Void = { _ in }
        var onBehind: @Sendable (Arrival) -> Void = { _ in }
        var onDiffering: @Sendable ([DifferingSetting]) -> Void = { _ in }
        /// What a test writes instead of the cluster's time.
        var writtenTime: (any TimeSource)?
        var heartbeatInterval = MemberStatements.heartbeatInterval
        var lifetime = MemberStatements.lifetime
        /// Of the newest fence that counts as given.
        var lastSequence: UInt32 = 0
        var batchTimeout = Duration.seconds(8)
        var lastTimeline: Int?
        var grants: GrantMemory?
    }

    static func open(_ parts: Parts, member: MemberDescription?) async throws(LedgerError) -> DatabaseLedger {
        let result = await NativeThread.offload("ledger-join") { () -> Result<DatabaseLedger, LedgerError> in
            do throws(LedgerError) {
                return .success(try DatabaseLedger(parts, member: member))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// It blocks while it connects.
    private init(_ parts: Parts, member: MemberDescription?) throws(LedgerError) {
        let clusterClock = ClusterClock(parts.clock)
        let timeout = parts.configuration.connectTimeout
        var connection = try LedgerOpening.connect(parts.configuration, clock: parts.clock)
        let identity = try LedgerOpening.check(&connection, within: timeout)
        let asked = parts.clock.now()
        let time = try LedgerOpening.ask(MemberStatements.time, &connection, within: timeout)
        _ = clusterClock.note(time, asked: asked, answered: parts.clock.now())
        var membership: Membership?
        if let member {
            let epoch = try LedgerOpening.ask(
                MemberStatements.join(member, lifetime: parts.lifetime), &connection, within: timeout)
            guard let epoch else {
                // It was moved in this moment, and says so.
                _ = try LedgerOpening.check(&connection, within: timeout)
                throw .unavailable("the ledger at \(connection.endpoint) lets nobody in just now")
            }
            membership = Membership(member, epoch: epoch, sequence: parts.lastSequence)
        }
        self.identity = identity
        place = connection.endpoint
        memberName = printable(member?.name ?? "")
        looksAtStandbys = if case .ignored = parts.configuration.standbys { false } else { true }
        durations = parts.durations
        self.clusterClock = clusterClock
        clock = parts.writtenTime ?? clusterClock
        let gauge = PostgresGauge(onCommit: parts.onCommit, onRoundTrip: parts.onRoundTrip)
        self.gauge = gauge
        let memberEpoch = Lock(membership?.epoch)
        self.memberEpoch = memberEpoch
        let loopParts = PostgresLoopParts(
            configuration: parts.configuration, durations: parts.durations, clock: parts.clock,
            clusterClock: clusterClock, identity: identity, gauge: gauge, onHealth: parts.onHealth,
            onBehind: parts.onBehind, onDiffering: parts.onDiffering, shared: sharedMemory,
            lastTimeline: parts.lastTimeline, grants: parts.grants, heartbeatInterval: parts.heartbeatInterval,
            lifetime: parts.lifetime, batchTimeout: parts.batchTimeout)
        do throws(SystemCallError) {
            reader = try PostgresReader(parts.configuration, clock: parts.clock)
        } catch {
            throw .unavailable(error.description)
        }
        do throws(SystemCallError) {
            thread = try MailboxThread(name: "ledger") { [membership] mailbox in
                var loop = PostgresLoop(
                    mailbox: mailbox, parts: loopParts, membership: membership, memberEpoch: memberEpoch)
                loop.run()()
            }
        } catch {
            reader.stop()
            throw .unavailable(error.description)
        }
    }

    deinit {
        // Whoever forgot to close it: the thread writes what it has and ends.
        guard thread.post(.close(until: clusterClock.now() + Self.closeTime, { _ in })) else { return }
        endThreads {}
    }

    private func endThreads(_ ended: @escaping @Sendable () -> Void) {
        _ = try? NativeThread(name: "ledger-end", detached: true) { [thread, reader] in
            thread.join()
            reader.stop()
            ended()
        }
    }

    /// For a database that is busy, not for one that is away.
    package static let closeTime = Duration.seconds(5)

    /// Writes what still waits, for at most `time` if the database is slow or away, leaves the other members, and ends the
    /// threads. Returns how many records, withdrawals and marks were lost for that: their leases end by themselves,
    /// and the album is asked then. Whatever is asked later is refused as closed.
    @discardableResult
    package func close(within time: Duration) async -> Int {
        // Not by the clock of what is written, which a test may have stopped.
        let deadline = clusterClock.now() + time
        let (lost, answered) = (Lock<Int?>(nil), AsyncSignal())
        let isTaken = thread.post(
            .close(until: deadline) { count in
                lost.withLock { $0 = count }
                answered.signal()
            })
        // While the thread connects it hears nobody.
        if isTaken { await answered.wait(for: 1, until: deadline + Self.lastWord, by: clusterClock) }
        let isFirst = isJoined.withLock { isJoined in
            defer { isJoined = true }
            return !isJoined
        }
        if isFirst {
            // The answer was the thread's last deed, and the reader drops what it has: microseconds. But if it is just
            // connecting, that takes its time, for which nobody waits here.
            let ended = AsyncSignal()
            endThreads { ended.signal() }
            await ended.wait(for: 1, until: deadline, by: clusterClock)
        }
        return isTaken ? lost.withLock { $0 } ?? unwritten.withLock { $0.count } : 0
    }

    /// The thread gives up what it is about at the deadline, or a little later, and then says so.
    private static let lastWord = Duration.milliseconds(300)

    /// Posts a request, and counts it while it may be lost.
    func post(_ request: JobRequest, _ reply: @escaping PostgresOperation.JobReply) -> Bool {
        guard request.isKeptWhileDegraded else { return thread.post(.job(request, reply)) }
        let number = unwritten.withLock { $0.add(request) }
        return thread.post(
            .job(request) { [unwritten] answer, beginsBefore in
                unwritten.withLock { $0.note(answer, to: number) }
                reply(answer, beginsBefore)
            })
    }

    /// The same within `closeTime`, for a thread that may wait. Never for a task.
    package func stop() {
        thread.post(.close(until: clusterClock.now() + Self.closeTime, { _ in }))
        thread.join()
        reader.stop()
    }

    package func ping(_ answer: @escaping @Sendable () -> Void) { thread.ping(answer) }

    // MARK: Membership

    /// Of this process now; nil: it only asks.
    package var epoch: Int? { memberEpoch.withLock { $0 } }

    /// From now on the others see that this member is about to end. What it began it may bring to its end.
    package func drain() { thread.post(.drain) }

    /// Whoever is unheard of for so long may be taken for dead.
    package static var memberLifetime: Duration { MemberStatements.lifetime }

    /// All that the table has, the ended ones too, oldest first.
    package func members() async throws(LedgerError) -> [ClusterMember] {
        try await reader.ask(MemberStatements.members())
    }

    /// Commits and what was in them, since the start.
    package var commits: (count: Int, operations: Int) {
        let counts = gauge.reading
        return (counts.commits, counts.operations)
    }

    package var counts: SharedLedgerCounts { gauge.reading }
}
