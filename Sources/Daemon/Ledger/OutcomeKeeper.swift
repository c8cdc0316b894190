import Concurrency
import Ledger
import PostgresLedger
import Telemetry

/// Keeps the outcomes of calls that a shared ledger could not take, from the end of one process to the start of the next
/// on the host.
///
/// Without a folder nothing is kept: the jobs of such calls are asked about when they come again.
struct OutcomeKeeper: Sendable {
    let ledger: DatabaseLedger
    let spool: OutcomeSpool?
    let logger: Logger
    /// Has the number of records that wait for their ledger.
    let onWaiting: @Sendable (Int) -> Void

    /// At the start, before a job is taken: what was left goes into the ledger first. A file of another ledger, or one that
    /// cannot be read, stays where it is. It waits out a database that is away; `.closed`: nothing is lost by that.
    func bringBack() async throws(LedgerError) {
        guard let spool else { return }
        let found: [OutcomeSpool.Found]
        do throws(OutcomeSpool.Failure) {
            found = try spool.found()
        } catch {
            return logger.error("the outcomes of calls that an earlier process left cannot be looked for: \(error)")
        }
        var waiting = found.reduce(0) { $0 + $1.count }
        onWaiting(waiting)
        for file in found {
            switch file.content {
            case .refused(let why): logger.error("a file of outcomes stays as it is, and is not written: \(why)")
            case .journal(let journal) where !ledger.isOwn(journal):
                logger.error(
                    "a file of outcomes stays as it is: it is of another ledger than this one",
                    LogField("file", "\(spool.path)/\(file.name)"), LogField("records", journal.outcomes.count))
            case .journal(let journal):
                let fenced = try await ledger.bring(journal)
                // From here to its removal a kill has it brought once more.
                clear(file, journal, spool)
                waiting -= file.count
                onWaiting(waiting)
                logger.notice(
                    "wrote the outcomes of calls that an earlier process had to leave",
                    LogField("records", journal.outcomes.count), LogField("fenced", fenced),
                    LogField("instance", journal.writer))
            }
        }
    }

    private func clear(_ file: OutcomeSpool.Found, _ journal: OutcomeJournal, _ spool: OutcomeSpool) {
        do throws(OutcomeSpool.Failure) {
            guard journal.unreadable > 0 else { return try spool.remove(file) }
            let path = try spool.setAside(file)
            logger.error(
                "a file of outcomes was cut off or changed: what it lacks is asked about when its jobs come again",
                LogField("records", journal.unreadable), LogField("file", path))
        } catch {
            logger.error("a file of outcomes that is written cannot be removed, and is written once more: \(error)")
        }
    }

    /// At the end, of a ledger that is closed; `kept` are there already. Returns how many it has kept in all.
    func keep(besides kept: Int = 0) async -> Int {
        guard let spool, let journal = ledger.unwrittenOutcomes, journal.outcomes.count > kept else { return kept }
        let result = await NativeThread.offload("spool") { () -> Result<String, OutcomeSpool.Failure> in
            do throws(OutcomeSpool.Failure) {
                return .success(try spool.save(journal))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let path):
            onWaiting(journal.outcomes.count)
            logger.notice(
                "the ledger's database is away: kept the outcomes of calls for the next start",
                LogField("records", journal.outcomes.count), LogField("file", path))
            return journal.outcomes.count
        case .failure(let failure):
            logger.error(
                "the outcomes of calls could not be kept: \(failure)", LogField("records", journal.outcomes.count))
            return kept
        }
    }
}

extension OutcomeSpool.Found {
    /// Records in it that are not in the ledger.
    fileprivate var count: Int {
        switch content {
        case .journal(let journal): journal.outcomes.count
        // How many nobody can say.
        case .refused: 1
        }
    }
}
