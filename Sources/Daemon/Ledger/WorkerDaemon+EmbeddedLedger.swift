import AMQP
import Clocks
import Concurrency
import Glibc
package import Ledger
import Monitoring
import SQLiteLedger
import Settings
import Telemetry
import Terminal

/// Opening the ledger that is a file: one daemon has it at a time, and the others stand by.
extension WorkerDaemon {
    /// What the ledger keeps of who made its schema.
    package static let program = "leave-albumd \(ProgramVersion.text)"

    /// Nil if the daemon is told to stop first. A daemon that stands by has no connection to the broker.
    func openEmbeddedLedger(_ eventRouter: EventRouter, _ front: DaemonInterface) async throws -> OpenedLedger? {
        guard let lock = try await waitForLock(front) else { return nil }
        let isNew = try ledgerIsNew()
        let mustAskBroker = !permitsNewLedger && isNew
        if mustAskBroker { try refuseForgottenRescue() }
        if !isNew { logRescue() }
        let session = try makeSession()
        if mustAskBroker {
            front.ready()
            try await refuseFullQueues(session, front)
            if stop.isSignalled { return nil }
        }
        let ledger = try open(lock, eventRouter, front.metrics)
        if !mustAskBroker { front.ready() }
        return OpenedLedger(ledger: ledger, cluster: nil, session: session, clock: clock)
    }

    /// Nil if the daemon is told to stop first. Waiting is a state that the service manager is told of: it is ready.
    private func waitForLock(_ front: DaemonInterface) async throws -> LedgerLock? {
        let path = settings.ledger.path
        do throws(LedgerError) {
            try Self.requireLocalFile(path)
        } catch {
            throw StartError(error)
        }
        let waiting = Task {
            try await LedgerLock.wait(ledger: path, clock: clock) { holder in
                front.tracker.standsBy(holder: holder)
                front.ready()
                logger.notice("standing by: another worker has the ledger", LogField("pid", holder))
            }
        }
        let stopping = Task {
            if await stop.wait() { waiting.cancel() }
        }
        defer { stopping.cancel() }
        let lock: LedgerLock?
        do {
            lock = try await waiting.value
        } catch let error as LedgerError {
            if case .unusable = error { throw StartError(error) }
            throw StartError(description: error.description, status: .cannotCreateFile)
        }
        try checkLedger()
        front.tracker.connects()
        if lock != nil { front.openControlSocket() }
        return lock
    }

    /// Throws if other hosts can change the file.
    package static func requireLocalFile(_ path: String) throws(LedgerError) {
        try LedgerFileSystem.requireLocal(path) { TestHooks.fileSystem ?? LedgerFileSystem.kind(of: $0) }
    }

    private func open(
        _ lock: LedgerLock, _ eventRouter: EventRouter, _ metrics: MetricsRecorder
    ) throws(StartError) -> EmbeddedLedger {
        let durability: EmbeddedLedger.Durability = settings.ledger.durability == .full ? .full : .normal
        do throws(LedgerError) {
            return try EmbeddedLedger(
                path: settings.ledger.path, durability: durability, lock: lock, program: Self.program, clock: clock,
                onHealth: { eventRouter.ledger($0) },
                onCommit: { metrics.committed($0, $1) },
                onCheck: { [logger] faults in
                    if faults.isEmpty {
                        logger.info("checked the ledger after an unclean stop: it is whole")
                    } else {
                        logger.error("the ledger is damaged: \(faults.joined(separator: "; "))")
                    }
                },
                onBehind: { reportBehind($0, metrics) })
        } catch {
            throw StartError(error)
        }
    }

    // MARK: Whether there is one

    /// Whether there is none yet: no file, or one in which nothing was ever kept.
    private func ledgerIsNew() throws(StartError) -> Bool {
        do throws(LedgerError) {
            return try !EmbeddedLedger.exists(path: settings.ledger.path)
        } catch {
            throw StartError(error)
        }
    }

    /// A ledger of a newer program is told of at once, not after the broker has been waited for.
    private func checkLedger() throws(StartError) {
        do throws(LedgerError) {
            try EmbeddedLedger.checkVersion(path: settings.ledger.path, program: Self.program)
        } catch {
            throw StartError(error)
        }
    }

    /// An empty ledger beside waiting jobs looks like a lost one: their calls would be made again.
    private func refuseFullQueues(_ session: BrokerAdmin, _ front: DaemonInterface) async throws {
        let full = await untilBrokerAnswers(front) { () throws(LinkError) in try await firstFullQueue(session) }
        guard let queue = full ?? nil else { return }
        throw StartError(
            description:
                "there is no ledger at \(settings.ledger.path)\(Self.aside(ofNone: settings.ledger.path)), and queue \(queue) is not empty: without "
                + "the memory of what was called, jobs may be called twice. Restore the ledger, or start once with "
                + "--new-ledger if there never was one (docs/ledger.md says how under systemd)", status: .settingsWrong)
    }

    private static func aside(ofNone path: String) -> String {
        access(path, F_OK) == 0 ? " (the file that is there holds none)" : ""
    }

    /// A daemon saved what an open ledger knew when its file was moved, removed or replaced.
    private func refuseForgottenRescue() throws(StartError) {
        guard let last = EmbeddedLedger.rescued(path: settings.ledger.path).last else { return }
        throw StartError(
            description:
                "there is no ledger at \(settings.ledger.path), and \(last) is what a daemon saved of one: run "
                + "`leave-albumd ledger restore \(last)`, or start once with --new-ledger if nothing of it is wanted",
            status: .settingsWrong)
    }

    /// The ledger that is there may be an older one that was put in the place of the one that was saved.
    private func logRescue() {
        for copy in EmbeddedLedger.rescued(path: settings.ledger.path) {
            logger.warning(
                "a copy is beside the ledger that a daemon saved when the ledger's file was moved, removed or replaced: "
                    + "restore it if that was not done, else remove it", LogField("copy", copy))
        }
    }
}

extension DaemonSettings {
    /// What the ledger may have open at once, with so many who read it beside the jobs.
    func ledgerDescriptors(readers: Int) -> Int {
        ledger.url == nil ? EmbeddedLedger.mostDescriptors(readers: readers) : Self.sharedLedgerDescriptors
    }

    /// Six connections at most, each with what the lookup of a name and the files of a certificate take for a moment, and
    /// three mailboxes.
    private static let sharedLedgerDescriptors = 40
}
