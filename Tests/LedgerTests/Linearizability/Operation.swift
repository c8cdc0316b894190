import Clocks
import Concurrency
import Jobs
import Ledger

/// One request of one client to a ledger, as it was seen from outside.
struct Operation: Sendable {
    enum Request: Sendable {
        case lookUp(Arrival)
        case claim(Claim)
        case record(Record, under: Lease?, isUnheard: Bool)
        case withdraw(Lease)
        case markCopy(Int, generation: Int)
        case cancel
    }

    enum Answer: Sendable {
        case lookUp(LookupResult)
        case claim(ClaimAnswer)
        case record(Recorded)
        case cancel(Bool)
        case done
    }

    var job: JobID
    var account: AccountID
    var request: Request
    /// Places in the one order of all calls and returns. Without a return nobody knows whether it happened, or will.
    var called: Int
    var returned: Int?
    /// By the ledger's clock: it was not done before, and not after.
    var from: Timestamp
    var until: Timestamp
    /// Nil without a return.
    var answer: Answer?

    static let distantFuture = Timestamp(milliseconds: .max / 4)
}

extension Operation: CustomStringConvertible {
    var description: String {
        let asked =
            switch request {
            case .lookUp(let arrival): "look \(arrival.generation).\(arrival.copy)"
            case .claim(let claim):
                "claim \(claim.kind) \(claim.arrival.generation).\(claim.arrival.copy)"
                    + (claim.isAmbiguous ? " in doubt" : "") + (claim.presumesNew ? " as new" : "")
                    + (claim.decidedUnder.map { " after \($0)" } ?? "")
            case .record(let record, let lease, let isUnheard):
                "record \(Self.word(record)) \(record.arrival.generation).\(record.arrival.copy) under \(lease?.fence ?? 0)"
                    + (isUnheard ? " unheard" : "")
            case .withdraw(let lease): "withdraw \(lease.fence)"
            case .markCopy(let copy, let generation): "mark copy \(generation).\(copy)"
            case .cancel: "cancel"
            }
        let answered =
            switch answer {
            case nil: "?"
            case .lookUp(let lookup): View(lookup).text
            case .claim(.claimed(let open, let lease)): "claimed \(lease.fence) \(View(open).text)"
            case .claim(.refused(let lookup)): "refused: \(View(lookup).text)"
            case .claim(.busy(let busy)): "\(busy)"
            case .claim(.notAllotted): "not allotted"
            case .record(let recorded): "\(recorded)"
            case .cancel(let isInTime): "\(isInTime)"
            case .done: "done"
            }
        // The last digits are enough to compare times by.
        let ends = answer?.leasedUntil.map { " until \($0.milliseconds % 1_000_000)" } ?? ""
        let times = "\(from.milliseconds % 1_000_000) to \(until.milliseconds % 1_000_000)"
        return "[\(called), \(returned.map { "\($0)" } ?? "-")] \(times) \(job.string): \(asked): \(answered)\(ends)"
    }

    private static func word(_ record: Record) -> String {
        switch record {
        case .finished(_, let result, _, _, _, _): "\(result.outcome)"
        case .parked: "parked"
        case .callEnded: "callEnded"
        case .postponed: "postponed"
        case .steppedAside: "stepped aside"
        }
    }
}

extension Operation.Answer {
    var leasedUntil: Timestamp? {
        switch self {
        case .lookUp(.leased(let until)), .claim(.refused(.leased(let until))): until
        default: nil
        }
    }

    var lease: Lease? {
        if case .claim(.claimed(_, let lease)) = self { lease } else { nil }
    }
}

/// What an answer says, without the times that are the ledger's own.
struct View: Equatable {
    let text: String

    init(_ open: OpenJob) {
        text =
            "\(open.generation).\(open.copy) attempts \(open.attempts), \(open.malformedAnswers) malformed"
            + (open.isAmbiguous ? ", in doubt" : "") + (open.firstCallAt == nil ? "" : ", has called")
            + (open.due.map { ", due \($0.milliseconds)" } ?? "") + (open.copyIsPublished ? "" : ", unpublished")
    }

    init(_ lookup: LookupResult) {
        text =
            switch lookup {
            case .fresh(let isAmbiguous, let predecessor):
                "fresh\(isAmbiguous ? ", in doubt" : "")\(predecessor.map { ", after \(View($0).text)" } ?? "")"
            case .resumed(let open): "resumed \(View(open).text)"
            case .parked(let open): "parked \(View(open).text)"
            case .unparked(let open): "unparked \(View(open).text)"
            case .overdue(let open): "overdue \(View(open).text)"
            case .leased: "leased"
            case .cancelled(let open): "cancelled \(open.map { View($0).text } ?? "unknown")"
            case .finished(let job):
                "finished \(job.generation) \(job.result.body)\(job.deadLetterIsPublished ? "" : ", owes a dead letter")"
            case .superseded(let result): "superseded \(result?.body ?? [])"
            case .conflict: "conflict"
            }
    }
}

/// The requests of all clients, in the one order in which they were made and answered.
final class History: Sendable {
    private let state = Lock<(clock: Int, operations: [Operation])>((0, []))

    func tick() -> Int {
        state.withLock { state in
            state.clock += 1
            return state.clock
        }
    }

    func add(_ operation: Operation) { state.withLock { $0.operations.append(operation) } }

    var operations: [Operation] { state.withLock { $0.operations }.sorted { $0.called < $1.called } }
}
