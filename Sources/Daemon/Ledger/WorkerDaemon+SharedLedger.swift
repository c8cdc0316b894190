import AMQP
import Clocks
import Concurrency
import JSON
import Ledger
import Messages
import Monitoring
import Operations
import PostgresLedger
import Settings
import Telemetry
import Terminal

/// Joining the ledger that daemons share: no lock, nobody stands by, and an empty one is new by the command that made
/// it.
extension WorkerDaemon {
    /// Nil if the daemon is told to stop first. A database that is away is waited for, as a broker is; one that refuses
    /// this daemon, or has another ledger's tables, is a fault of the settings.
    func joinSharedLedger(
        _ database: PostgresConfiguration, _ eventRouter: EventRouter, _ front: DaemonInterface
    ) async throws -> OpenedLedger? {
        front.openControlSocket()
        let member = MemberDescription(
            name: settings.instance, version: ProgramVersion.text, settings: { front.settings.now.sharedDigests },
            report: { front.memberReport })
        let session = try makeSession()
        let differences = DifferingSettingsReport(logger)
        let remembered = openMemory()
        var backoff = Backoff(first: .seconds(1), longest: .seconds(10))
        var warning = RepeatedWarning()
        while !stop.isSignalled {
            do {
                let ledger = try await DatabaseLedger.join(
                    database, member: member, durations: settings.leaseDurations, clock: clock,
                    onHealth: { eventRouter.ledger($0) }, onCommit: { front.metrics.committed($0, $1) },
                    onRoundTrip: { front.metrics.answered(after: $0) },
                    onBehind: { reportBehind($0, front.metrics) }, onDiffering: { differences.report($0) },
                    lastTimeline: (try? remembered?.load())?.timeline, grants: grantMemory)
                try await refuseForeignSettings(ledger)
                if warning.ends() { logger.notice("the ledger's database answers") }
                let memory = LedgerMemoryKeeper(
                    ledger: ledger, memory: remembered, clock: ledger.clusterClock, logger: logger)
                try await refuseOlderState(memory)
                try await refuseUnsharedGrants(ledger, front)
                let outcomes = OutcomeKeeper(
                    ledger: ledger, spool: openSpool(), logger: logger, onWaiting: { front.metrics.spooled($0) })
                guard try await isBroughtBack(outcomes, front) else { return nil }
                otherMembers.connect(ledger)
                front.tracker.connects()
                front.ready()
                warn(of: database)
                return OpenedLedger(
                    ledger: ledger, cluster: ledger.cluster, session: session, clock: ledger.clusterClock,
                    outcomes: outcomes, memory: memory)
            } catch let error as LedgerError {
                switch error {
                case .unusable, .closed: throw StartError(error)
                case .unavailable(let detail):
                    // Its supervisor is not to end it for this: whoever waits is at work.
                    front.ready()
                    front.tracker.connects(detail)
                    if warning.isDue(at: clock.now()) {
                        logger.warning("waiting for the ledger's database: \(detail)")
                    }
                }
            }
            await stop.wait(until: clock.now() + backoff.next(), by: clock)
        }
        return nil
    }

    private static let withoutSpool =
        "a stop while the database is away keeps nothing of what its calls came to, and a "
        + "database that is put back to an older state is not known"

    private func openSpool() -> OutcomeSpool? {
        guard let path = settings.spoolPath else {
            logger.warning("neither ledger.spool nor a state directory of the service is set: \(Self.withoutSpool)")
            return nil
        }
        do throws(OutcomeSpool.Failure) {
            return try OutcomeSpool(path)
        } catch {
            logger.warning("ledger.spool cannot be used: \(error); \(Self.withoutSpool)")
            return nil
        }
    }

    /// What is wrong with the folder is said of the spool.
    private func openMemory() -> LedgerMemory? { settings.spoolPath.flatMap { try? LedgerMemory($0) } }

    private func refuseOlderState(_ memory: LedgerMemoryKeeper) async throws {
        do {
            try await memory.check(isMeant: permitsRestoredLedger, retention: settings.ledger.retention)
        } catch {
            await memory.ledger.close(within: error is StartError ? Self.leavingTheOthers : .zero)
            throw error
        }
    }

    /// False if the daemon was told to stop meanwhile: what was left stays for the next start.
    private func isBroughtBack(_ outcomes: OutcomeKeeper, _ front: DaemonInterface) async throws -> Bool {
        // The database may go away once more.
        front.ready()
        let stopping = Task {
            if await stop.wait() { await outcomes.ledger.close(within: Self.leavingTheOthers) }
        }
        defer { stopping.cancel() }
        do throws(LedgerError) {
            try await outcomes.bringBack()
            guard stop.isSignalled else { return true }
            await outcomes.ledger.close(within: Self.leavingTheOthers)
            return false
        } catch {
            if error == .closed, stop.isSignalled { return false }
            await outcomes.ledger.close(within: .zero)
            throw error
        }
    }

    /// Keys that say whose jobs these are: members that differ in them would work on one ledger at two things.
    private static let vitalKeys: Set = ["api.base_url", "broker.prefix", "limits.day_zone"]

    private func refuseForeignSettings(_ ledger: DatabaseLedger) async throws {
        let differing: [DifferingSetting]
        do throws(LedgerError) {
            differing = try await ledger.differingSettings()
        } catch {
            await ledger.close(within: .zero)
            throw error
        }
        guard let vital = differing.first(where: { Self.vitalKeys.contains($0.key) }) else { return }
        await ledger.close(within: Self.leavingTheOthers)
        throw StartError(
            description:
                "daemon \(vital.name) (epoch \(vital.epoch)) works on this ledger with another \(vital.key): give both the "
                + "same, or each a ledger of its own", status: .settingsWrong)
    }

    /// For the word that this daemon is gone, which nobody needs.
    static let leavingTheOthers = Duration.seconds(2)

    /// Says once what of the database may be lost or is slow; jobs do not wait for it.
    private func warn(of database: PostgresConfiguration) {
        let durable = settings.ledger.durability == .full
        Task { [logger] in
            guard let findings = try? await DatabaseCheck.findings(database, durable: durable) else { return }
            for finding in findings where finding.kind != .good { logger.warning("the ledger: \(finding.detail)") }
        }
    }
}

extension DaemonInterface {
    /// What this daemon tells the others of itself. From memory, at once.
    var memberReport: String {
        let status = glance
        let report = DaemonStatus.MemberReport(
            worker: status.state, inFlight: status.inFlight, callsInFlight: status.callsInFlight,
            perMinute: status.perMinute, holds: status.holds.map(\.cause))
        return String(decoding: report.json.encoded(), as: UTF8.self)
    }
}
