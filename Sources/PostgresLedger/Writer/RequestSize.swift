import Jobs
import Ledger

/// What a batch takes on the wire at most, before it is decided what is in it.
///
/// Each value has its length before it, and none that is no text is longer than eight bytes.
private enum RequestSize {
    static let scalar = 4 + 8
    static let job = SavedJob.mostColumns * scalar + tokenHash
    static let result = SavedResult.columns.count * scalar
    static let count = SavedCount.columns.count * scalar
    static let mark = SavedMark.columns.count * scalar
    static let slot = AccountRows.mostColumns * scalar
    static let undo = AccountRows.undoColumns * scalar

    private static let tokenHash = 32
    /// A cause's or an outcome's name.
    static let name = 24
}

extension Outgoing {
    /// All that a batch may consist of for jobs and accounts, without a row.
    static let empty: PostgresBatch = {
        var batch = PostgresBatch()
        AccountRows.addNew([], to: &batch)
        AccountRows.add([], changeWaits: true, to: &batch)
        for areNew in [true, false] {
            JobSaving.add(
                [], as: .init(areNew: areNew, areUsual: false, hasConditions: true, hasResults: true), epoch: nil,
                to: &batch)
        }
        JobSaving.addLocks([], to: &batch)
        JobSaving.addMarks([], to: &batch)
        AccountRows.addUndo([], to: &batch)
        OutboxRows.addWatermark(1, of: 0, to: &batch)
        return batch
    }()
    static let emptySize = empty.byteCount
}

extension [PendingRequest] {
    /// Of requests on one job.
    var mostBytesWritten: Int {
        guard let id = first?.request.jobID.utf8.count else { return 0 }
        // The row may have the account of a request, or one that nobody here names.
        let account = AccountID.lengths.upperBound
        // Once in the row, once among those that are locked.
        return reduce(RequestSize.job + 2 * (id + 4) + account) { $0 + $1.request.mostBytesBeside(id: id) }
    }
}

extension JobRequest {
    /// What one of several requests on a job adds to the job's row.
    fileprivate func mostBytesBeside(id: Int) -> Int {
        switch self {
        case .lookUp, .cancel, .cancelForGood: 0
        case .claim(let claim):
            count(of: claim.day, id) + slots(1, of: claim.arrival.account) + claim.arrival.account.utf8.count
                + claim.day.utf8.count + RequestSize.undo + id + claim.arrival.account.utf8.count
                + (claim.closing.map { Self.result($0, id) } ?? 0)
        case .record(let record, _, _, _):
            // The slot of its call, and that which has the account's wait.
            slots(2, of: record.arrival.account) + (Self.result(of: record).map { Self.result($0, id) } ?? 0)
        case .withdraw(_, _, _, let day, _): count(of: day, id) + slots(1, of: nil)
        case .mark: RequestSize.mark + id
        case .finishLost(_, let result, _), .finishCancelled(_, let result, _): Self.result(result, id)
        case .refuse(let account, _, _, _): slots(1, of: account)
        }
    }

    private func count(of day: String, _ id: Int) -> Int { RequestSize.count + id + day.utf8.count }

    private func slots(_ count: Int, of account: AccountID?) -> Int {
        // Where it has no row, once as a row that is made, and once as one that may be there.
        count * (RequestSize.slot + 2 * (RequestSize.name + (account?.utf8.count ?? AccountID.lengths.upperBound)))
    }

    private static func result(of record: Record) -> StoredResult? {
        if case .finished(_, let result, _, _, _, _) = record { result } else { nil }
    }

    private static func result(_ result: StoredResult, _ id: Int) -> Int {
        let texts = [result.messageID, result.correlationID, result.traceparent, result.tracestate]
        return texts.reduce(RequestSize.result + RequestSize.name + id + result.body.count) {
            $0 + ($1?.utf8.count ?? 0)
        } + (result.reason?.rawValue.utf8.count ?? 0)
    }
}
