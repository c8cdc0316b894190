import Jobs
import Threads

/// What is asked of the ledger's thread.
enum LedgerOperation: Sendable {
    typealias Reply<Answer: Sendable> = CheckedContinuation<Result<Answer, LedgerError>, Never>

    case look(Arrival, Timestamp, Reply<Finding>)
    case claim(Claim, Reply<ClaimAnswer>)
    case record(Record, Timestamp, Reply<Int>)
    case mark(PublishedPart, JobID, generation: Int)
    case note(JobEvent)
    case finishLost(OverdueJob, StoredResult, Timestamp, Reply<Bool>)
    /// Reads, outside of any commit.
    case read(@Sendable (SQLiteConnection) -> Void, refuse: @Sendable (LedgerError) -> Void)
    /// Writes, in the commit of its batch; `refuse` also after a commit that failed.
    case write(
        @Sendable (SQLiteConnection) throws(SQLiteFault) -> @Sendable () -> Void,
        refuse: @Sendable (LedgerError) -> Void)
    case ping(@Sendable () -> Void)
    case close

    /// Needs a commit.
    var isWrite: Bool {
        switch self {
        case .claim, .record, .mark, .note, .finishLost, .write: true
        case .look, .read, .ping, .close: false
        }
    }

    /// Answered beside the batch's commit, whether that succeeds or not.
    var isRead: Bool {
        switch self {
        case .read, .ping: true
        case .look, .claim, .record, .mark, .note, .finishLost, .write, .close: false
        }
    }

    func refuse(_ error: LedgerError) {
        switch self {
        case .look(_, _, let reply): reply.resume(returning: .failure(error))
        case .claim(_, let reply): reply.resume(returning: .failure(error))
        case .record(_, _, let reply): reply.resume(returning: .failure(error))
        case .finishLost(_, _, _, let reply): reply.resume(returning: .failure(error))
        case .read(_, let refuse), .write(_, let refuse): refuse(error)
        case .ping(let answer): answer()
        case .mark, .note, .close: break
        }
    }
}
