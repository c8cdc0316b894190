import Clocks
import Concurrency
import Jobs
import Ledger

/// Several clients of a ledger that do at random what workers do, and worse: they claim what others call for, record
/// late, forget what they were about, and are killed with a request under way.
struct LedgerClients: Sendable {
    /// A ledger that several members share.
    struct Shared: Sendable {
        /// The client's member, a new one after it was killed.
        var join: @Sendable (_ client: Int) async throws -> any JobLedger
        /// Ends the client's member, whatever is under way.
        var kill: @Sendable (_ client: Int) async -> Void = { _ in }
        /// The ledger's own time.
        var now: @Sendable () -> Timestamp
        /// Between the parts of a request, by the client's number.
        var pause: @Sendable (_ client: Int) async -> Void
        /// Some time passes, if it does not by itself.
        var pass: @Sendable (Duration) -> Void
        /// After a client's last request.
        var leave: @Sendable () -> Void
        /// How long a lease lasts.
        var lease: ClosedRange<Duration>
    }

    static let count = 8
    static let jobs = 20
    static let accounts = 5
    private static let requests = 40

    let shared: Shared
    let history = History()

    /// Runs them all to their end.
    func run(seed: UInt64) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<Self.count {
                group.addTask { @concurrent in
                    let seed = seed &* 1_000 &+ UInt64(number)
                    var client = Client(
                        number: number, shared: shared, history: history, ledger: try await shared.join(number),
                        random: SplitMix(state: seed), prefix: "s\(seed / 1_000)-")
                    await shared.pause(number)
                    for _ in 0..<Self.requests { try await client.act() }
                    shared.leave()
                }
            }
            try await group.waitForAll()
        }
    }

    /// What contradicts the rules, by jobs and accounts.
    func contradictions() -> [String] {
        let operations = history.operations
        var found: [String] = []
        for (job, operations) in Dictionary(grouping: operations, by: \.job) {
            let search = Linearizability(
                specification: JobSpecification(lease: shared.lease), operations: operations)
            if let rest = search.contradiction() { found.append(Self.text(job.string, rest, of: operations)) }
        }
        for (account, operations) in Dictionary(grouping: operations, by: \.account) {
            // What says nothing of the slot would only be tried in every place.
            let relevant = operations.filter(\.concernsTheSlot)
            let search = Linearizability(
                specification: AccountSpecification(lease: shared.lease), operations: relevant)
            if let rest = search.contradiction() { found.append(Self.text(account.string, rest, of: relevant)) }
        }
        return found
    }

    private static func text(_ name: String, _ rest: [Operation], of all: [Operation]) -> String {
        let open = Set(rest.map(\.called))
        return name + ":\n" + all.map { (open.contains($0.called) ? " ?? " : "    ") + "\($0)" }.joined(separator: "\n")
    }
}

extension Operation {
    fileprivate var concernsTheSlot: Bool {
        switch request {
        case .claim(let claim):
            if case .claim(.refused)? = answer { false } else { claim.kind == .call }
        case .record(_, let lease, let isUnheard): lease != nil && !isUnheard
        case .withdraw: true
        case .lookUp, .markCopy, .cancel: false
        }
    }
}

/// One of them. What it knows of a job is what it was last told, which may be long ago.
private struct Client {
    struct Knowledge {
        var open: OpenJob?
        var isAmbiguous = false
        var generation = 0
        var decidedUnder: Int64?
        var lease: Lease?
        /// Which generation it is of.
        var leased = 0
        var kind = Claim.Kind.call
    }

    let number: Int
    let shared: LedgerClients.Shared
    let history: History
    var ledger: any JobLedger
    var random: SplitMix
    let prefix: String
    var known: [Int: Knowledge] = [:]
    var bodies = 0

    private mutating func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &random) }

    mutating func act() async throws {
        if roll(6) == 0 { shared.pass(shared.lease.lowerBound / (1 + roll(8))) }
        let job = roll(LedgerClients.jobs)
        var knowledge = known[job] ?? Knowledge()
        // Whoever has a lease mostly goes on with it.
        let leased = known.filter { $0.value.lease != nil }.keys.sorted()
        if let other = leased.randomElement(using: &random), roll(4) > 0, let lease = known[other]?.lease {
            return try await end(other, lease)
        }
        switch roll(12) {
        case 0..<4:
            let arrival = arrival(job, &knowledge)
            try await perform(job, .lookUp(arrival)) { .lookUp(try await $0.lookUp(arrival, at: $1)) }
        case 4..<9: try await claim(job, knowledge)
        case 9: try await record(job, under: nil)
        case 10:
            let copy = knowledge.open?.copy ?? roll(2)
            let generation = knowledge.generation
            try await perform(job, .markCopy(copy, generation: generation)) { [id = id(job)] ledger, _ in
                ledger.mark(.copy(copy), of: id, generation: generation)
                return .done
            }
        default:
            guard roll(3) == 0 else { return }
            try await perform(job, .cancel) { [id = id(job)] in .cancel(try await $0.cancel(id, at: $1)) }
        }
    }

    private func id(_ job: Int) -> JobID { JobID("\(prefix)\(job)") }
    private func account(_ job: Int) -> AccountID { AccountID("\(prefix)a\(job % LedgerClients.accounts)") }

    private mutating func arrival(_ job: Int, _ knowledge: inout Knowledge) -> Arrival {
        if roll(12) == 0 { knowledge.generation = 1 }
        let copy = knowledge.open.map { roll(6) == 0 ? max(0, $0.copy - 1) : $0.copy } ?? 0
        return Sample.arrival(
            id(job).string, account: account(job).string, generation: knowledge.generation, copy: copy)
    }

    private mutating func claim(_ job: Int, _ knowledge: Knowledge) async throws {
        var knowledge = knowledge
        let arrival = arrival(job, &knowledge)
        let isNew = knowledge.open == nil && arrival.generation == 0
        let claim = Claim(
            arrival: arrival, kind: roll(4) == 0 ? .albumQuery : .call, day: Sample.day, at: shared.now(),
            attempts: knowledge.open?.attempts ?? 0, isAmbiguous: knowledge.isAmbiguous,
            decidedUnder: roll(4) == 0 ? nil : knowledge.decidedUnder,
            closing: arrival.generation == 0 ? nil : Sample.result(arrival.jobID.string, outcome: .failed),
            presumesNew: isNew && roll(2) == 0, limits: AccountLimits(slots: 1, perMinute: 0))
        try await perform(job, .claim(claim)) { ledger, _ in .claim(try await ledger.claim(claim)) }
    }

    private mutating func end(_ job: Int, _ lease: Lease) async throws {
        switch roll(8) {
        case 0:
            let (id, kind) = (id(job), known[job]?.kind ?? .call)
            try await perform(job, .withdraw(lease)) { ledger, _ in
                try await ledger.withdraw(lease, of: id, kind: kind, day: Sample.day)
                return .done
            }
        case 1: known[job]?.lease = nil
        default: try await record(job, under: lease)
        }
    }

    private mutating func record(_ job: Int, under lease: Lease?) async throws {
        var knowledge = known[job] ?? Knowledge()
        var arrival = arrival(job, &knowledge)
        // Of a generation that nobody has claimed nothing is recorded while an older one may be open.
        arrival.generation = lease == nil ? 0 : knowledge.leased
        let (attempts, isAmbiguous) = ((knowledge.open?.attempts ?? 0) + roll(2), knowledge.isAmbiguous || roll(5) == 0)
        bodies += 1
        let record: Record
        switch roll(6) {
        case 0, 1:
            let outcome = lease != nil && roll(2) == 0 ? Outcome.left : .failed
            record = .finished(
                arrival,
                Sample.result(
                    arrival.jobID.string, generation: arrival.generation, outcome: outcome,
                    body: "\(number) \(bodies)"),
                attempts: attempts, isAmbiguous: isAmbiguous, needsDeadLetter: outcome == .failed)
        case 2, 3:
            // Long ago, so that it is overdue as soon as it is marked, or never.
            let due = Sample.start + .seconds(roll(2) == 0 ? -1_000_000_000 : 1_000_000_000)
            record = .parked(
                arrival, attempts: attempts, isAmbiguous: isAmbiguous, malformedAnswers: roll(2), due: due)
        case 4: record = .callEnded(arrival, attempts: attempts, isAmbiguous: isAmbiguous, malformedAnswers: 0)
        default:
            let due = roll(4)
            let time = Sample.start + .seconds(1_000_000_000 + due)
            record = due == 3 ? .steppedAside(arrival, due: time) : .postponed(arrival, due: time)
        }
        let isUnheard = lease != nil && roll(4) == 0
        try await perform(job, .record(record, under: lease, isUnheard: isUnheard)) { ledger, _ in
            .record(try await ledger.record(record, under: lease, isUnheard: isUnheard))
        }
    }

    // MARK: Requests

    private mutating func perform(
        _ job: Int, _ request: Operation.Request,
        _ ask: (any JobLedger, Timestamp) async throws -> Operation.Answer
    ) async throws {
        // Killed: before it is done, or before it is answered.
        let fate = roll(60)
        // The ledger's times may be finer than ours.
        let (called, from) = (history.tick(), shared.now() - .milliseconds(1))
        await shared.pause(number)
        var answer: Operation.Answer?
        if fate != 0 {
            do throws(LedgerError) {
                answer = try await asked(ask)
            } catch {
                answer = nil
            }
        }
        await shared.pause(number)
        if fate < 2 { answer = nil }
        // A mark is a post: when it is written nobody is told.
        if case .markCopy = request, fate > 1 {
            history.add(operation(job, request, called, from, answer: nil))
            return
        }
        history.add(operation(job, request, called, from, answer: answer))
        guard let answer else {
            known = [:]
            await shared.kill(number)
            ledger = try await shared.join(number)
            return
        }
        learn(answer, job, request)
    }

    private func asked(
        _ ask: (any JobLedger, Timestamp) async throws -> Operation.Answer
    ) async throws(LedgerError) -> Operation.Answer {
        do {
            return try await ask(ledger, shared.now())
        } catch let error as LedgerError {
            throw error
        } catch {
            preconditionFailure("a ledger throws no other error: \(error)")
        }
    }

    private func operation(
        _ job: Int, _ request: Operation.Request, _ called: Int, _ from: Timestamp, answer: Operation.Answer?
    ) -> Operation {
        let isAnswered = answer != nil
        return Operation(
            job: id(job), account: account(job), request: request, called: called,
            returned: isAnswered ? history.tick() : nil, from: from,
            until: isAnswered ? shared.now() + .milliseconds(1) : Operation.distantFuture, answer: answer)
    }

    private mutating func learn(_ answer: Operation.Answer, _ job: Int, _ request: Operation.Request) {
        var knowledge = known[job] ?? Knowledge()
        switch answer {
        case .lookUp(let lookup), .claim(.refused(let lookup)): knowledge.learn(lookup)
        case .claim(.claimed(let open, let lease)):
            knowledge.open = open
            (knowledge.isAmbiguous, knowledge.decidedUnder) = (open.isAmbiguous, lease.fence)
            (knowledge.lease, knowledge.leased) = (lease, open.generation)
            if case .claim(let claim) = request { knowledge.kind = claim.kind }
        case .record(let recorded):
            knowledge.lease = nil
            if case .record(_, _, isUnheard: true) = request { knowledge.isAmbiguous = true }
            if case .copy(let number) = recorded { knowledge.open?.copy = number } else { knowledge = Knowledge() }
        case .done: knowledge.lease = nil
        case .claim(.busy), .claim(.notAllotted), .cancel: break
        }
        known[job] = knowledge
    }
}

extension Client.Knowledge {
    fileprivate mutating func learn(_ lookup: LookupResult) {
        decidedUnder = nil
        switch lookup {
        case .fresh(let isAmbiguous, _): (open, self.isAmbiguous) = (nil, isAmbiguous)
        case .resumed(let open), .overdue(let open), .parked(let open), .unparked(let open):
            (self.open, isAmbiguous) = (open, open.isAmbiguous)
        case .finished: generation = 1
        case .leased, .cancelled, .superseded, .conflict: break
        }
    }
}
