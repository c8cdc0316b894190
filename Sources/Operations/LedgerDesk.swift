import Files
public import JSON
import Jobs
public import Ledger
public import Threads

/// Answers the operators' questions about the ledger, in JSON: the daemon over its control socket, a command by itself
/// where no daemon runs. One place, so that both say the same.
///
/// | request | arguments | answer |
/// |---|---|---|
/// | `ledger.stats` | | `path`, `entries`, `open`, … |
/// | `ledger.prune` | `olderThanSeconds` | `pruned` |
/// | `ledger.verify` | | `faults`: strings, none if all is well |
/// | `ledger.forget` | `jobId` or `account` | `forgotten`, `needed` |
/// | `ledger.backup` | `file` | `file` |
/// | `job` | `jobId` | the job's story |
/// | `job.cancel` | `jobId`, `by` | `ForcedCancel`: the file's; a daemon answers it itself, with its jobs in hand |
/// | `job.note` | `jobId`, `generation`, `kind`, `detail` | `noted`: a line of the job's story |
/// | `reconcile` | `jobIds` | `jobs`: `jobId`, `state`, `outcome`?, … for each, in order |
/// | `results.replay` | `jobId` | `published` |
/// | `results.replay` | `sinceMs`, `after`? | `published`, `after`: for the next page, absent at the end |
public struct LedgerDesk: Sendable {
    private let source: LedgerSource
    private let clock: any Timekeeper
    private let publish: @Sendable (StoredResult) async -> Bool
    private let announce: @Sendable (StoredResult) async -> Bool

    /// A page of results that are published again.
    private static let page = 500

    /// `publish`: publishes a stored result as a replay, and says whether the broker confirmed it. `announce`: the same
    /// of a result that nobody has had; without it, the next daemon does.
    public init(
        _ source: LedgerSource, clock: any Timekeeper = SystemTimekeeper(),
        publish: @escaping @Sendable (StoredResult) async -> Bool,
        announce: @escaping @Sendable (StoredResult) async -> Bool = { _ in false }
    ) {
        self.source = source
        self.clock = clock
        self.publish = publish
        self.announce = announce
    }

    /// Nil if the request is none of these.
    public func answer(_ request: String, _ arguments: JSONValue) async throws(DeskFault) -> JSONValue? {
        switch request {
        case "ledger.stats": return try await statistics()
        case "ledger.prune": return try await prune(arguments)
        case "ledger.verify": return try await verify()
        case "ledger.forget": return try await forget(arguments)
        case "ledger.backup": return try await backUp(arguments)
        case "job": return try await story(arguments)
        case "job.cancel": return try await cancelForGood(arguments)
        case "job.note": return try await note(arguments)
        case "reconcile": return try await reconcile(arguments)
        case "results.replay": return try await replay(arguments)
        default: return nil
        }
    }

    private func statistics() async throws(DeskFault) -> JSONValue {
        let now = clock.wall()
        let statistics = try await source.read(
            live: { ledger throws(LedgerError) in try await ledger.statistics() },
            file: { reader throws(LedgerError) in try reader.statistics(at: now) })
        return statistics.json(path: source.path)
    }

    private func prune(_ arguments: JSONValue) async throws(DeskFault) -> JSONValue {
        guard let age = arguments["olderThanSeconds"]?.integer, age >= 0 else {
            throw .invalid("olderThanSeconds is missing")
        }
        let time = clock.wall() - .seconds(age)
        let pruned = try await source.write(clock: clock) { ledger throws(LedgerError) in
            try await ledger.prune(before: time)
        }
        return .object([.init("pruned", .integer(Int64(pruned)))])
    }

    private func verify() async throws(DeskFault) -> JSONValue {
        let faults = try await source.read(
            live: { ledger throws(LedgerError) in try await ledger.verify() },
            file: { reader throws(LedgerError) in try reader.faults() })
        return .object([.init("faults", .array(faults.map(JSONValue.text)))])
    }

    private func forget(_ arguments: JSONValue) async throws(DeskFault) -> JSONValue {
        let (forgotten, needed): (Int, Int)
        if let account = arguments["account"]?.utf8 {
            (forgotten, needed) = try await source.write(clock: clock) { ledger throws(LedgerError) in
                try await ledger.forget(account: AccountID(utf8: account))
            }
        } else {
            let id = try jobID(arguments)
            let answer = try await source.write(clock: clock) { ledger throws(LedgerError) in
                try await ledger.forget(id)
            }
            switch answer {
            case .forgotten: (forgotten, needed) = (1, 0)
            case .needed: (forgotten, needed) = (0, 1)
            case .unknown: throw .unknown("the ledger has nothing of job \(id)")
            }
        }
        return .object([
            .init("forgotten", .integer(Int64(forgotten))), .init("needed", .integer(Int64(needed))),
        ])
    }

    private func backUp(_ arguments: JSONValue) async throws(DeskFault) -> JSONValue {
        guard let file = arguments["file"]?.text, file.hasPrefix("/") else {
            throw .invalid("the backup's file needs an absolute path")
        }
        do throws(OutputFile.Failure) {
            _ = try OutputFile.holdsFile(file)
        } catch {
            throw .refusedFile(error.description)
        }
        try await source.read(
            live: { ledger throws(LedgerError) in try await ledger.backUp(to: file) },
            file: { reader throws(LedgerError) in try reader.backUp(to: file) })
        return .object([.init("file", .text(file))])
    }

    private func story(_ arguments: JSONValue) async throws(DeskFault) -> JSONValue {
        let id = try jobID(arguments)
        let story = try await source.read(
            live: { ledger throws(LedgerError) in try await ledger.story(of: id) },
            file: { reader throws(LedgerError) in try reader.story(of: id) })
        guard let story else { throw .unknown("the ledger has nothing of job \(id)") }
        return story.json
    }

    /// Durable when it is answered: what an operator did is written before it is done.
    private func note(_ arguments: JSONValue) async throws(DeskFault) -> JSONValue {
        let id = try jobID(arguments)
        guard let kind = arguments["kind"]?.text, let detail = arguments["detail"]?.text else {
            throw .invalid("a line of a story has kind and detail")
        }
        let event = JobEvent(
            jobID: id, generation: arguments["generation"]?.integer.map(Int.init(clamping:)) ?? 0, at: clock.wall(),
            kind: kind, detail: detail)
        try await source.write(clock: clock) { ledger throws(LedgerError) in try await ledger.write(event) }
        return .object([.init("noted", .bool(true))])
    }

    /// Of the file, which no daemon has: so nobody has the job in hand, and no call of it is in flight.
    private func cancelForGood(_ arguments: JSONValue) async throws(DeskFault) -> JSONValue {
        let id = try jobID(arguments)
        let by = arguments["by"]?.text ?? "somebody"
        let (clock, announce) = (clock, announce)
        let ending = try await source.write(clock: clock) { ledger throws(LedgerError) -> ForcedCancel in
            while true {
                switch try await ledger.cancelForGood(id, newest: nil, at: clock.wall()) {
                case .remembered: return .remembered(id)
                case .ended(let result): return .hadEnded(id, result)
                case .open(let job):
                    try await ledger.write(
                        .cancelledForGood(id, generation: job.open.generation, by: by, at: clock.wall()))
                    let result = job.result(at: clock.wall())
                    guard try await ledger.finishCancelled(job, result: result) else { continue }
                    let isPublished = await announce(result)
                    if isPublished { ledger.mark(.result, of: id, generation: job.open.generation) }
                    return .ended(id, result, isPublished: isPublished)
                }
            }
        }
        return ending.json
    }

    /// More would keep the ledger's thread from the jobs.
    private static let mostReconciled = 1_000

    private func reconcile(_ arguments: JSONValue) async throws(DeskFault) -> JSONValue {
        guard let list = arguments["jobIds"]?.elements, list.count <= Self.mostReconciled else {
            throw .invalid("jobIds is a list of at most \(Self.mostReconciled)")
        }
        var ids: [JobID] = []
        for entry in list {
            guard let id = entry.utf8.flatMap(JobID.init(checking:)) else {
                throw .invalid("a jobId is 1 to 128 of A-Z a-z 0-9 . _ : / -")
            }
            ids.append(id)
        }
        let asked = ids
        let standings = try await source.read(
            live: { ledger throws(LedgerError) in try await ledger.standings(of: asked) },
            file: { reader throws(LedgerError) in try reader.standings(of: asked) })
        return .object([.init("jobs", .array(standings.map(\.json)))])
    }

    private func replay(_ arguments: JSONValue) async throws(DeskFault) -> JSONValue {
        guard let since = arguments["sinceMs"]?.integer else { return try await replayJob(arguments) }
        let last = arguments["after"].flatMap(ResultCursor.init)
        let limit = Self.page
        let time = Timestamp(milliseconds: since)
        let results = try await source.read(
            live: { ledger throws(LedgerError) in try await ledger.results(since: time, after: last, limit: limit) },
            file: { reader throws(LedgerError) in try reader.results(since: time, after: last, limit: limit) })
        try await publishAll(results.map(\.result))
        var members: [JSONValue.Member] = [.init("published", .integer(Int64(results.count)))]
        if results.count == limit, let end = results.last { members.append(.init("after", end.cursor.json)) }
        return .object(members)
    }

    private func replayJob(_ arguments: JSONValue) async throws(DeskFault) -> JSONValue {
        let id = try jobID(arguments)
        let results = try await source.read(
            live: { ledger throws(LedgerError) in try await ledger.results(of: id) },
            file: { reader throws(LedgerError) in try reader.results(of: id) })
        guard !results.isEmpty else { throw .unknown("the ledger has no result of job \(id)") }
        try await publishAll(results)
        return .object([.init("published", .integer(Int64(results.count)))])
    }

    private func publishAll(_ results: [StoredResult]) async throws(DeskFault) {
        let publish = self.publish
        let confirmed = await withTaskGroup(of: Bool.self) { group in
            for result in results { group.addTask { await publish(result) } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        guard confirmed == results.count else {
            throw .unavailable("the broker confirmed \(confirmed) of \(results.count) results; try again")
        }
    }

    private func jobID(_ arguments: JSONValue) throws(DeskFault) -> JobID { try JobID(of: arguments) }
}
