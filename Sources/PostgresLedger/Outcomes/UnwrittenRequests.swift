import Ledger

/// Records, withdrawals and marks that the ledger has been given and has not written: what would be lost with the
/// process.
struct UnwrittenRequests: Sendable {
    private var requests: [Int: JobRequest] = [:]
    private var last = 0

    var count: Int { requests.count }

    /// In the order in which they came.
    var all: [JobRequest] { requests.sorted { $0.key < $1.key }.map(\.value) }

    /// Returns the number under which it is answered.
    mutating func add(_ request: JobRequest) -> Int {
        last += 1
        requests[last] = request
        return last
    }

    /// What the ledger refused for its own sake is as unwritten as before.
    mutating func note(_ answer: JobAnswer, to number: Int) {
        switch answer {
        case .failed(.closed), .failed(.unusable): break
        case .failed(.unavailable), .found, .refused, .claimed, .busy, .notAllotted, .recorded, .done, .isDone,
            .cancelled, .waits:
            requests[number] = nil
        }
    }
}
