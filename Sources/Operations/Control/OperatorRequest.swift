package import JSON
import Jobs

/// A request of an operator: its arguments, its name on the control socket, and the type of its answer.
///
/// A new one is a case of `RequestName` and a type; the daemon's switch over the names does not compile before it
/// answers it.
package protocol OperatorRequest: ControlValue {
    associatedtype Answer: ControlValue

    static var name: RequestName { get }
}

extension OperatorRequest {
    /// Reads what came over the control socket.
    package init(arguments: JSONValue) throws(ControlFault) {
        do throws(ControlFormatError) {
            try self.init(json: arguments)
        } catch {
            throw .invalid(error.description)
        }
    }
}

/// A request whose name says everything.
package protocol ArgumentlessRequest: OperatorRequest {
    init()
}

extension ArgumentlessRequest {
    package init(json: JSONValue) throws(ControlFormatError) {
        _ = try ControlMembers(json)
        self.init()
    }

    package var json: JSONValue { .object([]) }
}

/// A request that the ledger answers: the daemon's over its control socket, or the file where no daemon runs.
package protocol LedgerRequest: OperatorRequest {
    func answer(from handler: LedgerRequestHandler) async throws(ControlFault) -> Answer
}

/// Every request of the control socket.
///
/// | request | arguments | answer |
/// |---|---|---|
/// | `status` | | as `/status` gives it |
/// | `pause` | `account` or `instance`? | `paused`, `cluster`?: `Acknowledgement` |
/// | `resume` | `cause`, `account` or `instance`? | `lifted`: causes; `probing`: jobs test it now; `cluster`? |
/// | `probe` | | `probing`, `cluster`? |
/// | `holds` | `instance`? | `holds`, `accounts`, `members`?: `name`, `epoch`, `holds` |
/// | `quota` | | `day`, `calls`, `probes`, `limit`, `remaining`?, `resetsAt`, `pace`, `backlog`?, `doneAt`? |
/// | `queues` | | `queues`: `name`, `messages`?, `consumers`? |
/// | `in_flight` | `limit` | `jobs`: `jobId`?, `account`?, `lane`, `state`, …; `total`, `holds`: causes |
/// | `preview` | `jobs`: `jobId`, `account`, `tokenSha256`, `generation`, `copy` | `jobs`: `state`, …; `holds`: causes |
/// | `job` | `jobId` | the job's history |
/// | `job.cancel` | `jobId`, `by`? | `ForcedCancel`: the job has ended, or ends when it comes |
/// | `job.note` | `jobId`, `generation`?, `kind`, `detail` | `noted`: a line of the job's history |
/// | `reconcile` | `jobIds` | `jobs`: `jobId`, `state`, `outcome`?, … for each, in order |
/// | `results.replay` | `jobId` | `published` |
/// | `results.replay` | `sinceMs`, `after`? | `published`, `after`: for the next page, absent at the end |
/// | `ledger.stats` | | `path`, `entries`, `open`, … |
/// | `ledger.prune` | `olderThanSeconds` | `pruned` |
/// | `ledger.verify` | | `faults`: strings, none if all is well |
/// | `ledger.forget` | `jobId` or `account` | `forgotten`, `needed` |
/// | `ledger.backup` | `file` | `file` |
/// | `ledger.members` | | `members`: the daemons that share the ledger |
package enum RequestName: String, CaseIterable, Sendable {
    case status
    case pause
    case resume
    case probe
    case holds
    case quota
    case queues
    case inFlight = "in_flight"
    case preview
    case job
    case jobCancel = "job.cancel"
    case jobNote = "job.note"
    case reconcile
    case resultsReplay = "results.replay"
    case ledgerStatistics = "ledger.stats"
    case ledgerPrune = "ledger.prune"
    case ledgerVerify = "ledger.verify"
    case ledgerForget = "ledger.forget"
    case ledgerBackup = "ledger.backup"
    case ledgerMembers = "ledger.members"
}
