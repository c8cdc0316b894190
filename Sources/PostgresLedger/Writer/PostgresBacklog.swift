import Clocks
import Jobs
import Ledger

/// What waits for a batch, in the order of its coming, and what is not known of those that were.
struct PostgresBacklog: Sendable {
    /// What one batch is made of.
    struct Portion: Sendable {
        var requests: [PendingRequest] = []
        var queries: [LedgerQuery] = []
        var lines: [LedgerQuery] = []
        /// How long it waits for a lock, if not as long as the role's sessions do.
        var lockTimeout: Duration?

        /// Whether it can be made no smaller: a fault in it is of this one alone. Requests on one job are one.
        var isSingle: Bool {
            queries.count + lines.count + Set(requests.map(\.request.jobID)).count <= 1
        }

        /// Its only job, if it has nothing else.
        var onlyJob: JobID? { isSingle ? requests.first?.request.jobID : nil }

        /// With nothing guessed of these jobs.
        func reading(_ jobs: Set<JobID>) -> Portion {
            var portion = self
            for index in requests.indices where jobs.contains(requests[index].request.jobID) {
                portion.requests[index].mayGuess = false
            }
            return portion
        }
    }

    private var requests: [PendingRequest] = []
    private var queries: [LedgerQuery] = []
    private var lines: [LedgerQuery] = []
    /// What batches in doubt may have made of a job whose requests wait.
    private(set) var tries: [JobID: [JobTry]] = [:]
    /// When what waits has a batch of its own. Nil if nothing waits for one.
    private(set) var dueAt: MonotonicTime?
    private var lastNumber = 0
    private var setAside = SetAsideJobs()

    /// A line may wait so long for a batch to go along with.
    private static let lineDelay = Duration.seconds(1)
    /// Longest delay of a mark: under load a claim takes it along sooner; a crash before costs one more publish.
    private static let markDelay = Duration.milliseconds(10)
    /// While nothing can be written, intake stops and few lines come; beyond this the oldest go.
    private static let lineCapacity = 4_096

    var hasRequests: Bool { !requests.isEmpty }
    var hasOthers: Bool { !queries.isEmpty || !lines.isEmpty }
    var isEmpty: Bool { requests.isEmpty && queries.isEmpty && lines.isEmpty }

    // MARK: What comes

    mutating func add(
        _ request: JobRequest, fence: Int64, at now: MonotonicTime, _ reply: @escaping PostgresOperation.JobReply
    ) {
        lastNumber += 1
        requests.append(PendingRequest(number: lastNumber, request: request, fence: fence, reply: reply))
        if case .mark = request { expect(at: now + Self.markDelay) } else { expect(at: now) }
    }

    mutating func add(query: LedgerQuery, at now: MonotonicTime) {
        queries.append(query)
        expect(at: now)
    }

    mutating func add(line: LedgerQuery, at now: MonotonicTime) {
        lines.append(line)
        if lines.count > Self.lineCapacity { lines.removeFirst() }
        expect(at: now + Self.lineDelay)
    }

    private mutating func expect(at time: MonotonicTime) { dueAt = min(dueAt ?? time, time) }

    /// When something of what waits may go.
    private func nextTime(from now: MonotonicTime) -> MonotonicTime? {
        if isEmpty { return nil }
        if hasOthers || requests.contains(where: { !setAside.contains($0.request.jobID) }) { return now }
        return setAside.dueAt
    }

    // MARK: Jobs set aside

    var hasSetAside: Bool { !setAside.isEmpty }

    /// Its batch was undone, with nothing else in it. What comes of the job meanwhile waits with it.
    mutating func setAside(_ id: JobID, at now: MonotonicTime) {
        setAside.add(id, at: now)
        dueAt = nextTime(from: now)
    }

    mutating func hastenSetAside(to time: MonotonicTime, at now: MonotonicTime) {
        setAside.hasten(to: time)
        dueAt = nextTime(from: now)
    }

    /// Whose pause is over, and who waits for nobody else.
    private func nextSetAside(besides claimed: ClaimedKeys, at now: MonotonicTime) -> JobID? {
        guard !setAside.isEmpty else { return nil }
        return requests.lazy.map(\.request).first { request in
            setAside.contains(request.jobID) && !setAside.isWaiting(request.jobID, at: now)
                && !claimed.holdUp(request)
        }?.jobID
    }

    private mutating func takeAll(of id: JobID) -> Portion {
        var portion = Portion()
        portion.requests = requests.filter { $0.request.jobID == id }
        requests.removeAll { $0.request.jobID == id }
        if setAside.contains(id) { portion.lockTimeout = SetAsideJobs.lockTimeout }
        return portion
    }

    private func besidesSetAside(_ claimed: ClaimedKeys) -> ClaimedKeys {
        var claimed = claimed
        for id in setAside.ids { claimed.add(waiting: id) }
        return claimed
    }

    // MARK: Batches

    /// What goes into the next batch: at most so many of each kind, and nothing that those under way hold up. Queries see
    /// what came before them, and so come in when nothing else is left.
    mutating func take(most: Int, besides claimed: ClaimedKeys, at now: MonotonicTime) -> Portion {
        if let id = nextSetAside(besides: claimed, at: now) {
            let portion = takeAll(of: id)
            dueAt = nextTime(from: now)
            return portion
        }
        var portion = Portion()
        portion.requests = takeRequests(most: most, besides: besidesSetAside(claimed))
        if claimed.isEmpty {
            portion.lines = Array(lines.prefix(most))
            lines.removeFirst(portion.lines.count)
        }
        if claimed.isEmpty, lines.isEmpty, requests.allSatisfy({ setAside.contains($0.request.jobID) }) {
            portion.queries = Array(queries.prefix(most))
            queries.removeFirst(portion.queries.count)
        }
        dueAt = nextTime(from: now)
        return portion
    }

    private mutating func takeRequests(most: Int, besides claimed: ClaimedKeys) -> [PendingRequest] {
        guard !claimed.isEmpty else {
            defer { requests.removeFirst(min(most, requests.count)) }
            return Array(requests.prefix(most))
        }
        var (claimed, taken, waiting) = (claimed, [PendingRequest](), [PendingRequest]())
        for request in requests {
            if taken.count < most, !claimed.holdUp(request.request) {
                taken.append(request)
            } else {
                claimed.add(waiting: request.request.jobID)
                waiting.append(request)
            }
        }
        requests = waiting
        return taken
    }

    /// Whether there is a request that those under way do not hold up, and that is not set aside.
    func hasReady(besides claimed: ClaimedKeys) -> Bool {
        var claimed = besidesSetAside(claimed)
        for request in requests.lazy.map(\.request) {
            guard claimed.holdUp(request) else { return true }
            claimed.add(waiting: request.jobID)
        }
        return false
    }

    /// One job's requests, or one of the others: whatever waits longest of its kind.
    mutating func takeSingle(at now: MonotonicTime) -> Portion {
        var portion = Portion()
        if let id = requests.lazy.map(\.request.jobID).first(where: { !setAside.isWaiting($0, at: now) }) {
            portion = takeAll(of: id)
        } else if !lines.isEmpty {
            portion.lines = [lines.removeFirst()]
        } else if !queries.isEmpty {
            portion.queries = [queries.removeFirst()]
        }
        dueAt = nextTime(from: now)
        return portion
    }

    /// It was not done, or not known to be: it goes first in the next batch, in its old order.
    mutating func putBack(_ portion: Portion, at now: MonotonicTime) {
        requests = (portion.requests + requests).sorted { $0.number < $1.number }
        queries = portion.queries + queries
        lines = portion.lines + lines
        if let next = nextTime(from: now) { expect(at: next) }
    }

    mutating func noteDoubt(_ plans: [JobPlan]) {
        for plan in plans where plan.changesRow {
            tries[plan.jobID, default: []].append(
                JobTry(after: plan.after, newResults: plan.newResults, answers: plan.answers))
        }
    }

    /// What is answered is in doubt no more, and waits for nobody.
    mutating func settle(_ id: JobID) {
        tries[id] = nil
        setAside.remove(id)
    }

    // MARK: While the database is away

    /// Keeps what cannot be repeated, and refuses the others. What is in doubt of a job that is under way stays so, since that
    /// may come back.
    mutating func refuseWhatIsNotKept(_ error: LedgerError, besides underWay: Set<JobID>) {
        let refused = requests.filter { !$0.request.isKeptWhileDegraded }
        requests.removeAll { !$0.request.isKeptWhileDegraded }
        let waiting = Set(requests.map(\.request.jobID)).union(underWay)
        tries = tries.filter { waiting.contains($0.key) }
        setAside.keepOnly(waiting)
        let questions = queries
        queries = []
        for request in refused { request.refuse(error) }
        for question in questions { question.refuse(error) }
    }

    /// What can be made no smaller is at fault itself.
    mutating func refuse(_ portion: Portion, _ error: LedgerError) {
        for request in portion.requests {
            settle(request.request.jobID)
            request.refuse(error)
        }
        for query in portion.queries { query.refuse(error) }
    }

    /// Fails all that waits. Returns how many of those that cannot be repeated are lost.
    mutating func refuseAll(_ error: LedgerError) -> Int {
        let (lost, questions) = (requests, queries)
        self = PostgresBacklog()
        for request in lost { request.refuse(error) }
        for question in questions { question.refuse(error) }
        return lost.count { $0.request.isKeptWhileDegraded }
    }
}

extension PendingRequest {
    func refuse(_ error: LedgerError) { reply(.failed(error), .distantFuture) }
}
