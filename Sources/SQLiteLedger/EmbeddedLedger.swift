package import Clocks
import Concurrency
package import Ledger

/// The embedded ledger: one SQLite file, one writing thread, readers beside it.
///
/// While it cannot commit (disk full, read-only, an I/O fault) looks and claims throw `.unavailable`, records and marks
/// wait in memory, first in line, and it tries again by itself, 0.5 s to 10 s apart, opening the file anew each time. A
/// damaged file makes it `.unusable` until the process starts again on a restored one.
package final class EmbeddedLedger: LedgerKeeping {
    /// How safe an answer is.
    package enum Durability: String, Sendable {
        /// Against loss of power: each commit is flushed to the disk.
        case full
        /// Against kill -9: the kernel has it.
        case normal
    }

    /// What it may have open at once: its locks, the writer's file, log and index, the checkpoint's file and log, its
    /// mailbox's eventfd; and for each who reads beside it a file and a log, and a backup's copy.
    package static func mostDescriptors(readers: Int) -> Int { 8 + 3 * readers }

    package let path: String
    /// The last writer was killed or lost power; a full check runs in the background since.
    package let wasStoppedUncleanly: Bool
    let thread: MailboxThread<LedgerOperation>
    package let clock: any TimeSource
    let gauge: LedgerGauge
    private let check: LedgerCheck?
    // Written by whoever closes first; under the lock.
    private let isJoined = Lock(false)
    // Kept for as long as the ledger lives; the thread keeps it too.
    let lock: LedgerLock
    /// Its files, as its thread opened them.
    let openFiles: OpenLedger

    /// Opens or makes the file, brings it to the current schema and starts the thread. `lock` is of the same path.
    ///
    /// `onHealth`, `onCommit` and `onBehind` are called on the ledger's thread, `onCheck` on one of its own, once, with
    /// what the check after an unclean stop found. They must not block. `onBehind` has the delivery of a copy that
    /// knows more of its job than the ledger did: it has lost that.
    ///
    /// - Parameter program: name and version of the caller, for a program that finds a newer schema than its own.
    package convenience init(
        path: String, durability: Durability, lock: LedgerLock, program: String = "leave-albumd",
        clock: any TimeSource = SystemTimeSource(),
        onHealth: @escaping @Sendable (LedgerHealth) -> Void = { _ in },
        onCommit: @escaping @Sendable (_ operations: Int, _ took: Duration) -> Void = { _, _ in },
        onCheck: @escaping @Sendable (_ faults: [String]) -> Void = { _ in },
        onBehind: @escaping @Sendable (Arrival) -> Void = { _ in }
    ) throws(LedgerError) {
        try self.init(
            file: LedgerFile(path: path, durability: durability, program: program), lock: lock, clock: clock,
            onHealth: onHealth, onCommit: onCommit, onCheck: onCheck, onBehind: onBehind)
    }

    init(
        file: LedgerFile, lock: LedgerLock, clock: any TimeSource = SystemTimeSource(),
        onHealth: @escaping @Sendable (LedgerHealth) -> Void = { _ in },
        onCommit: @escaping @Sendable (_ operations: Int, _ took: Duration) -> Void = { _, _ in },
        onCheck: @escaping @Sendable (_ faults: [String]) -> Void = { _ in },
        onBehind: @escaping @Sendable (Arrival) -> Void = { _ in }
    ) throws(LedgerError) {
        path = file.path
        self.clock = clock
        self.lock = lock
        let gauge = LedgerGauge(onCommit: onCommit)
        self.gauge = gauge
        guard try lock.lockFile(file.path, makes: true) else {
            throw .unavailable(
                "another process has ledger \(file.path), maybe by another name of the file: end it first")
        }
        let identity = lock.identity
        let openFiles = OpenLedger(LedgerFiles(path: file.path, closed: identity))
        self.openFiles = openFiles
        wasStoppedUncleanly = file.hasLogLeft
        // Opened here first, so that a file that is of no use is an error of this init and not of a thread.
        try file.prepare(at: clock.wall())
        let thread: MailboxThread<LedgerOperation>
        do throws(SystemCallError) {
            thread = try MailboxThread(name: "ledger") { mailbox in
                // Whoever drops the ledger without closing it must not let another writer in before the thread ends.
                withExtendedLifetime(lock) {
                    var writer = LedgerWriter(
                        mailbox: mailbox, file: file, identity: identity, open: openFiles, clock: clock, gauge: gauge,
                        onHealth: onHealth, onBehind: onBehind)
                    writer.run()()
                }
            }
        } catch {
            throw .unavailable(error.description)
        }
        self.thread = thread
        do throws(SystemCallError) {
            check =
                wasStoppedUncleanly
                ? try LedgerCheck(path: path, lock: lock, onDamage: { thread.post(.disable($0)) }, onEnd: onCheck)
                : nil
        } catch {
            thread.post(.close(until: clock.now(), { _ in }))
            throw .unavailable(error.description)
        }
    }

    /// Takes the lock and opens the ledger. With `onWaiting`, waits while another process has it, and tells once which
    /// one; without, that is an error. Throws `.closed` if the task is cancelled meanwhile.
    package static func open(
        path: String, durability: Durability, clock: any TimeSource = SystemTimeSource(),
        onWaiting: (@Sendable (_ holder: String) -> Void)?,
        onHealth: @escaping @Sendable (LedgerHealth) -> Void = { _ in },
        onCommit: @escaping @Sendable (_ operations: Int, _ took: Duration) -> Void = { _, _ in },
        onCheck: @escaping @Sendable (_ faults: [String]) -> Void = { _ in }
    ) async throws(LedgerError) -> EmbeddedLedger {
        let lock: LedgerLock
        if let onWaiting {
            guard let waited = try await LedgerLock.wait(ledger: path, clock: clock, onWaiting: onWaiting) else {
                throw .closed
            }
            lock = waited
        } else {
            guard let free = try LedgerLock.take(ledger: path) else {
                let holder = LedgerLock.holder(ledger: path)
                throw .unavailable("ledger \(path) is in use by process \(holder): stop it, or go through its socket")
            }
            lock = free
        }
        return try EmbeddedLedger(
            path: path, durability: durability, lock: lock, clock: clock, onHealth: onHealth, onCommit: onCommit,
            onCheck: onCheck)
    }

    deinit {
        // Whoever forgot to close it: the thread writes what it has and ends.
        guard thread.post(.close(until: clock.now() + Self.closeTime, { _ in })) else { return }
        check?.end()
        // Without this thread the other's memory is kept until the process ends, and nothing else is amiss.
        _ = try? NativeThread(name: "ledger-end", detached: true) { [thread, check] in
            thread.join()
            check?.join()
        }
    }

    /// For a disk that is busy, not for one that is full.
    package static let closeTime = Duration.seconds(5)

    /// Writes what still waits for a commit, trying for at most `time` if the disk does not let it, and ends the
    /// thread. Returns how many records and marks were lost for that: their jobs' intents are open, so their
    /// redeliveries count as ambiguous. Whatever is asked later is refused as closed.
    @discardableResult
    package func close(within time: Duration) async -> Int {
        // While it reads, the log cannot be checkpointed to its end.
        check?.end()
        let deadline = clock.now() + time
        let lost = await withCheckedContinuation { (reply: CheckedContinuation<Int, Never>) in
            if !thread.post(.close(until: deadline, { reply.resume(returning: $0) })) { reply.resume(returning: 0) }
        }
        // The answer was the thread's last deed, so this waits for microseconds: but for whoever asks while it ends.
        let isFirst = isJoined.withLock { isJoined in
            defer { isJoined = true }
            return !isJoined
        }
        if isFirst { join() }
        return lost
    }

    /// The same within `closeTime`, for a thread that may wait. Never for a task.
    package func stop() {
        check?.end()
        thread.post(.close(until: clock.now() + Self.closeTime, { _ in }))
        join()
    }

    private func join() {
        thread.join()
        // It may be in its last page; the lock stays until it has closed the file.
        check?.join()
        lock.release()
    }

    package func ping(_ answer: @escaping @Sendable () -> Void) { thread.ping(answer) }

    /// Commits and what was in them, since the start.
    package var commits: (count: Int, operations: Int) {
        let reading = gauge.reading
        return (reading.commits, reading.operations)
    }
}
