import Clocks
import Jobs
import Ledger

/// What is asked of the ledger's thread. In boxes, because it goes from list to list.
indirect enum LedgerOperation: Sendable {
    typealias Reply<Answer: Sendable> = CheckedContinuation<Result<Answer, LedgerError>, Never>

    case lookUp(Arrival, Timestamp, Reply<LookupResult>)
    case claim(Claim, Reply<ClaimAnswer>)
    case record(Record, Lease?, isUnheard: Bool, Timestamp, Reply<Recorded>)
    case withdraw(Lease, JobID, Claim.Kind, day: String, Timestamp, Reply<Void>)
    case mark(PublishedPart, JobID, generation: Int)
    case note(JobEvent)
    case hold(HoldRecord)
    case finishLost(OverdueJob, StoredResult, Timestamp, Reply<Bool>)
    case finishCancelled(CancelledJob, StoredResult, Timestamp, Reply<Bool>)
    /// Reads what is committed.
    case read(
        @Sendable (SQLiteRows) throws(SQLiteFault) -> @Sendable () -> Void,
        refuse: @Sendable (LedgerError) -> Void)
    /// Writes in the commit of its batch; what it returns is called after that.
    case write(
        @Sendable (SQLiteRows) throws(SQLiteFault) -> @Sendable () -> Void,
        refuse: @Sendable (LedgerError) -> Void)
    /// Takes the whole log into the file, so that nothing is left in it.
    case emptyLog(Reply<Void>)
    /// The file was found damaged by someone else.
    case disable(LedgerError)
    /// The saving of a displaced ledger has come to its end.
    case rescued
    case close(until: MonotonicTime, @Sendable (_ lost: Int) -> Void)

    enum Urgency {
        /// Changes nothing.
        case read
        /// Wants a commit now.
        case now
        /// Goes along with the next commit, or makes one of its own after some milliseconds, or before the next read.
        case soon
        /// Goes along with the next commit, or makes one of its own after a while.
        case later
        /// Is for the thread itself.
        case control
    }

    var urgency: Urgency {
        switch self {
        case .lookUp, .read: .read
        case .claim, .record, .withdraw, .finishLost, .finishCancelled, .write: .now
        case .mark: .soon
        case .note, .hold: .later
        case .emptyLog, .disable, .rescued, .close: .control
        }
    }

    /// Whether the operation stays first in line while the ledger cannot commit, since it cannot be repeated.
    var isKeptWhileDegraded: Bool {
        switch self {
        case .record, .withdraw, .mark, .note, .hold: true
        case .lookUp, .claim, .finishLost, .finishCancelled, .read, .write, .emptyLog, .disable, .rescued, .close:
            false
        }
    }

    func refuse(_ error: LedgerError) {
        switch self {
        case .lookUp(_, _, let reply): reply.resume(returning: .failure(error))
        case .claim(_, let reply): reply.resume(returning: .failure(error))
        case .record(_, _, _, _, let reply): reply.resume(returning: .failure(error))
        case .withdraw(_, _, _, _, _, let reply): reply.resume(returning: .failure(error))
        case .finishLost(_, _, _, let reply), .finishCancelled(_, _, _, let reply):
            reply.resume(returning: .failure(error))
        case .read(_, let refuse), .write(_, let refuse): refuse(error)
        case .emptyLog(let reply): reply.resume(returning: .failure(error))
        case .close(_, let answer): answer(0)
        case .mark, .note, .hold, .disable, .rescued: break
        }
    }
}
