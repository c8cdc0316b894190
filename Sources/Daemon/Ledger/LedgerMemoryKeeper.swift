import Clocks
import Concurrency
import Ledger
import PostgresLedger
import Settings
import Telemetry
import Terminal

/// Remembers on this host which ledger its daemon works on, and how far that had come: each minute, so that an older
/// state is known at the next start to the minute.
///
/// The database alone cannot say that it was put back: it has forgotten what came after. Nor can the other daemons, which
/// were stopped for it. The host's disk can.
struct LedgerMemoryKeeper: Sendable {
    let ledger: DatabaseLedger
    /// Nil: nothing is remembered.
    let memory: LedgerMemory?
    let clock: any TimeSource
    let logger: Logger

    private static let interval = Duration.seconds(60)

    /// Refuses a database that has lost what this host knows of it, unless an operator says that it is meant.
    func check(isMeant: Bool, retention: Duration) async throws {
        guard let remembered = load() else { return await save() }
        switch try await ledger.ruling(by: remembered, retention: retention) {
        case .goesOn: break
        case .lags(let lag):
            logger.warning(
                "the database lacks the newest of what this host's daemon knew: it failed over to a standby that was behind",
                LogField("lost_s", .seconds(lag.inSeconds)))
        case .refused(let why):
            guard isMeant else {
                throw StartError(
                    description:
                        "the ledger at \(ledger.place): \(why). Calls that are forgotten would be made again: put the "
                        + "right database back, or start once with --ledger-restored if it is meant (docs/cluster.md)",
                    status: .settingsWrong)
            }
            try await ledger.acceptState()
            logger.notice("the ledger's state is taken as meant, for all daemons: \(why)")
        }
        await save()
    }

    /// Until cancelled.
    func run() async {
        while true {
            await clock.sleep(for: Self.interval)
            guard !Task.isCancelled else { return }
            await save()
        }
    }

    private func load() -> RememberedLedger? {
        do throws(LedgerMemory.Failure) {
            return try memory?.load()
        } catch {
            logger.warning("what this host knew of the ledger cannot be read, and is not compared: \(error)")
            return nil
        }
    }

    private func save() async {
        // A database that is away says so itself, and is as it was.
        guard let memory, let remembered = try? await ledger.remember() else { return }
        let failure = await NativeThread.offload("remember") { () -> LedgerMemory.Failure? in
            do throws(LedgerMemory.Failure) {
                try memory.save(remembered)
                return nil
            } catch {
                return error
            }
        }
        if let failure { logger.warning("what this host knows of the ledger cannot be written: \(failure)") }
    }
}
