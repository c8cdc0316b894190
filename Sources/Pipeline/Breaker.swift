import Jobs
import Threads

/// Whether the API fails for everybody: opens at half of at least twenty calls in half a minute, or at five failures
/// in a row. Refusals and throttling never count: who refuses is there.
struct Breaker: Sendable {
    /// What one call says of the API's health.
    enum Sign: Equatable, Sendable {
        case healthy
        /// No connection, or no answer.
        case noAnswer
        /// 5xx.
        case serverFault
    }

    static let inARow = 5
    /// One job may be at fault by itself, two by accident; with no connection at all nobody is.
    static let jobsInARow = 3
    static let span = Duration.seconds(30)
    static let callsInSpan = 20

    private struct Second {
        var number: Int64
        var calls = 0
        var faults = 0
    }

    private var seconds: [Second] = []
    private var row = 0
    private var unsent = 0
    private var jobs: Set<JobID> = []

    /// Notes a call. True if that opens the breaker; it begins anew then.
    mutating func note(_ sign: Sign, of job: JobID, at now: MonotonicTime) -> Bool {
        let isFault = sign != .healthy
        count(isFault: isFault, at: now)
        guard isFault else {
            (row, unsent, jobs) = (0, 0, [])
            return false
        }
        row += 1
        unsent = sign == .noAnswer ? unsent + 1 : 0
        if jobs.count < Self.jobsInARow { jobs.insert(job) }
        let calls = seconds.reduce(0) { $0 + $1.calls }
        let faults = seconds.reduce(0) { $0 + $1.faults }
        let opens =
            unsent >= Self.inARow || (row >= Self.inARow && jobs.count >= Self.jobsInARow)
            || (calls >= Self.callsInSpan && faults * 2 >= calls)
        if opens { reset() }
        return opens
    }

    mutating func reset() {
        self = Breaker()
    }

    private mutating func count(isFault: Bool, at now: MonotonicTime) {
        let number = (now - MonotonicTime(nanoseconds: 0)).components.seconds
        seconds.removeAll { number - $0.number >= Self.span.components.seconds }
        if seconds.last?.number != number { seconds.append(Second(number: number)) }
        seconds[seconds.count - 1].calls += 1
        if isFault { seconds[seconds.count - 1].faults += 1 }
    }
}
