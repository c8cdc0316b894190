/// All that there is: two workers, one job, its messages, its row, its results, its user.
struct SystemState: Equatable {
    var workers: InlineWorkers = InlineWorkers()
    var row: RowState?
    /// The worker whose claim the row's fence is of, while that process lives.
    var owner: Int?
    /// How many copies of each message are ready in the broker.
    var ready: InlineCounts = InlineCounts()
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
    var budget = Budget()

    enum Cancel: UInt8 {
        case none
        case beforeCall
        case always
    }

    /// How often each may still happen.
    struct Budget: Equatable {
        var crashes: UInt8 = 0
        var lostLinks: UInt8 = 0
        var lostAnswers: UInt8 = 0
        var orders: UInt8 = 0
        var redrives: UInt8 = 0
    }

    struct InlineWorkers: Equatable {
        var first = WorkerState()
        var second = WorkerState()

        subscript(index: Int) -> WorkerState {
            get { index == 0 ? first : second }
            set { if index == 0 { first = newValue } else { second = newValue } }
        }
    }

    struct InlineCounts: Equatable {
        var counts: SIMD8<UInt8> = .zero
        static let most: UInt8 = 7

        subscript(index: UInt8) -> UInt8 {
            get { counts[Int(index)] }
            set {
                precondition(newValue <= Self.most, "more messages than the model counts")
                counts[Int(index)] = newValue
            }
        }
        var isEmpty: Bool { counts == .zero }
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

    /// Nobody has anything to do any more.
    var isAtRest: Bool {
        guard let row, row.isFinished, results[row.generation].isPublished else { return false }
        return ready.isEmpty && workers.first.step == .idle && workers.second.step == .idle
    }

    // MARK: Code

    /// Of two states that differ in the workers' names alone, one stands for both.
    var canonical: SystemState {
        guard workers.second != workers.first, workers.second.code < workers.first.code else { return self }
        var state = self
        state.workers = InlineWorkers(first: workers.second, second: workers.first)
        state.owner = owner.map { 1 - $0 }
        return state
    }

    var code: Code {
        var code = Code()
        workers.first.write(&code)
        workers.second.write(&code)
        RowState.write(row, &code)
        code.put(UInt8(owner.map { $0 + 1 } ?? 0), 2)
        for index in 0..<Message.count { code.put(ready.counts[index], 3) }
        for result in [results.first, results.second] {
            code.put(result.outcome?.rawValue ?? 0, 3)
            code.put(result.isPublished)
        }
        code.put(cancellation.rawValue, 2)
        code.put(cancelSeen.rawValue, 2)
        code.put(lostSeen.rawValue, 2)
        code.put(seenInDoubt)
        code.put(hasLeft)
        code.put(UInt8(flight.map { $0 + 1 } ?? 0), 2)
        code.put(budget.crashes, 2)
        code.put(budget.lostLinks, 2)
        code.put(budget.lostAnswers, 2)
        code.put(budget.orders, 2)
        code.put(budget.redrives, 1)
        code.rewind()
        return code
    }

    init() {}

    init(_ code: Code) {
        var code = code
        workers.first = .read(&code)
        workers.second = .read(&code)
        row = RowState.read(&code)
        let owner = Int(code.takeByte(2))
        self.owner = owner == 0 ? nil : owner - 1
        for index in 0..<Message.count { ready.counts[index] = code.takeByte(3) }
        for generation in 0...1 {
            let outcome = code.takeByte(3)
            results[generation].outcome = Outcome(rawValue: outcome)
            results[generation].isPublished = code.takeBool()
        }
        cancellation = code.take(2)
        cancelSeen = code.take(2)
        lostSeen = code.take(2)
        seenInDoubt = code.takeBool()
        hasLeft = code.takeBool()
        let flight = Int8(code.takeByte(2))
        self.flight = flight == 0 ? nil : flight - 1
        budget.crashes = code.takeByte(2)
        budget.lostLinks = code.takeByte(2)
        budget.lostAnswers = code.takeByte(2)
        budget.orders = code.takeByte(2)
        budget.redrives = code.takeByte(1)
    }
}
