/// All that there is: two workers, one job or two of one account, their messages, rows, results and users.
struct SystemState: Equatable {
    var workers: InlineWorkers = InlineWorkers()
    var jobs: InlineJobs = InlineJobs()
    /// Two jobs of one account, which has one slot.
    var hasTwoJobs = false
    var slot = SlotState()
    /// How many copies of each message are ready in the broker.
    var ready: InlineCounts = InlineCounts()
    var budget = Budget()

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

        var swapped: InlineWorkers { InlineWorkers(first: second, second: first) }
    }

    struct InlineJobs: Equatable {
        var first = JobState()
        var second = JobState()

        subscript(job: Int) -> JobState {
            get { job == 0 ? first : second }
            set { if job == 0 { first = newValue } else { second = newValue } }
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

    var jobNumbers: ClosedRange<Int> { 0...(hasTwoJobs ? 1 : 0) }

    /// The job that a worker works on.
    func job(of worker: Int) -> JobState { jobs[workers[worker].job] }

    /// Nobody has anything to do any more.
    var isAtRest: Bool {
        guard jobNumbers.allSatisfy({ jobs[$0].isAtRest }) else { return false }
        return ready.isEmpty && workers.first.step == .idle && workers.second.step == .idle
    }

    // MARK: Names

    /// What no worker remembers can be asked for by none.
    mutating func forgetLeases() {
        for index in 0...1 where workers[index].lease == .none && slot.holder == SlotState.Holder(worker: index) {
            slot.holder = .forgotten
        }
    }

    /// Of states that differ in the workers' names and the jobs' alone, one stands for all. `isRenamed`: the workers'
    /// names are exchanged in it.
    var canonical: (code: Code, isRenamed: Bool) {
        let isLess = workers.second != workers.first && workers.second.code < workers.first.code
        guard hasTwoJobs else { return (isLess ? withWorkersRenamed.code : code, isLess) }
        var least = (code: code, isRenamed: false)
        for (state, isRenamed) in [
            (withWorkersRenamed, true), (withJobsRenamed, false), (withWorkersRenamed.withJobsRenamed, true),
        ] {
            let code = state.code
            if code < least.code { least = (code, isRenamed) }
        }
        return least
    }

    private var withWorkersRenamed: SystemState {
        var state = self
        state.workers = workers.swapped
        for job in 0...1 { state.jobs[job].owner = jobs[job].owner.map { 1 - $0 } }
        switch slot.holder {
        case .first: state.slot.holder = .second
        case .second: state.slot.holder = .first
        case .nobody, .forgotten: break
        }
        return state
    }

    private var withJobsRenamed: SystemState {
        var state = self
        state.jobs = InlineJobs(first: jobs.second, second: jobs.first)
        for copy in 0...Message.lastCopyOfTwo {
            let (one, other) = (Message.index(job: 0, copy: copy), Message.index(job: 1, copy: copy))
            (state.ready[one], state.ready[other]) = (ready[other], ready[one])
        }
        for index in 0...1 { state.workers[index].renameJobs() }
        return state
    }

    // MARK: Code

    var code: Code {
        var code = Code()
        code.put(hasTwoJobs)
        workers.first.write(&code)
        workers.second.write(&code)
        for job in jobNumbers { jobs[job].write(&code, isOneOfTwo: hasTwoJobs) }
        for message in Message.all(hasTwoJobs: hasTwoJobs) { code.put(ready[message], 3) }
        code.put(budget.crashes, 2)
        code.put(budget.lostLinks, 2)
        code.put(budget.lostAnswers, 2)
        if hasTwoJobs {
            slot.write(&code)
        } else {
            code.put(budget.orders, 2)
            code.put(budget.redrives, 1)
        }
        code.rewind()
        return code
    }

    init() {}

    init(_ code: Code) {
        var code = code
        hasTwoJobs = code.takeBool()
        workers.first = .read(&code)
        workers.second = .read(&code)
        for job in jobNumbers { jobs[job] = .read(&code, isOneOfTwo: hasTwoJobs) }
        for message in Message.all(hasTwoJobs: hasTwoJobs) { ready[message] = code.takeByte(3) }
        budget.crashes = code.takeByte(2)
        budget.lostLinks = code.takeByte(2)
        budget.lostAnswers = code.takeByte(2)
        if hasTwoJobs {
            slot = .read(&code)
        } else {
            budget.orders = code.takeByte(2)
            budget.redrives = code.takeByte(1)
        }
    }
}
