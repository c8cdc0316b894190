/// One job: its row, its results, its user.
struct JobState: Equatable {
    var row: RowState?
    /// The worker whose claim the row's fence is of, while that process lives.
    var owner: Int?
    /// The result of each generation, and whether the broker has it.
    var results: InlineResults = InlineResults()
    var cancellation = Cancel.none
    /// What an operator has read and is about to write, by whether the row has changed since.
    var cancelSeen = Fence.none
    var lostSeen = Fence.none
    /// Whether what was read said that a call may have had its effect.
    var seenInDoubt = false
    var hasLeft = false
    /// How much longer a call may take effect; nil: none is in flight.
    var flight: Int8?

    enum Cancel: UInt8 {
        case none
        case beforeCall
        case always
    }

    struct Result: Equatable {
        var outcome: Outcome?
        var isPublished = false
    }

    struct InlineResults: Equatable {
        var first = Result()
        var second = Result()

        subscript(generation: Int) -> Result {
            get { generation == 0 ? first : second }
            set { if generation == 0 { first = newValue } else { second = newValue } }
        }
    }

    /// It has come to its end.
    var isAtRest: Bool {
        guard let row else { return false }
        return row.isFinished && results[row.generation].isPublished
    }

    // MARK: Code

    /// `isOneOfTwo`: without a second generation and without orders, which there are not where there are two jobs.
    func write(_ code: inout Code, isOneOfTwo: Bool) {
        RowState.write(row, &code, hasGenerations: !isOneOfTwo)
        code.put(UInt8(owner.map { $0 + 1 } ?? 0), 2)
        write(results.first, &code)
        code.put(hasLeft)
        code.put(UInt8(flight.map { $0 + 1 } ?? 0), 2)
        guard !isOneOfTwo else { return }
        write(results.second, &code)
        code.put(cancellation.rawValue, 2)
        code.put(cancelSeen.rawValue, 2)
        code.put(lostSeen.rawValue, 2)
        code.put(seenInDoubt)
    }

    private func write(_ result: Result, _ code: inout Code) {
        code.put(result.outcome.map { $0.rawValue + 1 } ?? 0, 3)
        code.put(result.isPublished)
    }

    static func read(_ code: inout Code, isOneOfTwo: Bool) -> JobState {
        var job = JobState()
        job.row = RowState.read(&code, hasGenerations: !isOneOfTwo)
        let owner = Int(code.takeByte(2))
        job.owner = owner == 0 ? nil : owner - 1
        job.results.first = result(&code)
        job.hasLeft = code.takeBool()
        let flight = Int8(code.takeByte(2))
        job.flight = flight == 0 ? nil : flight - 1
        guard !isOneOfTwo else { return job }
        job.results.second = result(&code)
        job.cancellation = code.take(2)
        job.cancelSeen = code.take(2)
        job.lostSeen = code.take(2)
        job.seenInDoubt = code.takeBool()
        return job
    }

    private static func result(_ code: inout Code) -> Result {
        let number = code.takeByte(3)
        let outcome = number == 0 ? nil : Outcome(rawValue: number - 1)
        return Result(outcome: outcome, isPublished: code.takeBool())
    }
}
