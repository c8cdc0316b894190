import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger
@testable import SQLiteLedger

/// Any sequence of deliveries, crashes and marks gives the same answers from SQLite and from PostgreSQL as from the plain model.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct RandomSequenceTests {
    @Test func sqliteAnswersAsTheModelDoes() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        try await compare(ledger, seeds: 1...150)
        #expect(await ledger.close(within: EmbeddedLedger.closeTime) == 0)
        #expect(try LedgerReader(path: folder.ledger).faults() == [])
    }

    @Test func postgresAnswersAsTheModelDoes() async throws {
        let ledger = try await DatabaseLedger.opened()
        try await compare(SoleWorker(ledger), seeds: 1...40)
        #expect(try await ledger.verify() == [])
        #expect(await ledger.close(within: DatabaseLedger.closeTime) == 0)
    }

    private func compare(_ ledger: any JobLedger, seeds: ClosedRange<UInt64>) async throws {
        let model = MemoryLedger()
        for seed in seeds {
            var run = RandomRun(seed: seed, ledger: ledger, model: model)
            for step in 0..<80 {
                guard try await run.step() else {
                    Issue.record("seed \(seed), step \(step): \(run.lastDifference)")
                    break
                }
            }
        }
        let (mine, theirs) = (try await ledger.statistics(), try await model.statistics())
        #expect(mine.entries == theirs.entries)
        #expect(mine.open == theirs.open)
        #expect(mine.ambiguous == theirs.ambiguous)
        #expect(mine.unpublished == theirs.unpublished)
        #expect(mine.unpublishedDeadLetters == theirs.unpublishedDeadLetters)
    }
}

/// One seeded walk over three jobs, against both ledgers at once.
private struct RandomRun {
    var random: SplitMix
    let prefix: String
    let ledger: any JobLedger
    let model: any JobLedger
    var now = Sample.start
    var seen: (mine: [OverdueJob], theirs: [OverdueJob]) = ([], [])
    var lastDifference = ""

    init(seed: UInt64, ledger: any JobLedger, model: any JobLedger) {
        random = SplitMix(state: seed)
        prefix = "s\(seed)-"
        self.ledger = ledger
        self.model = model
    }

    private mutating func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &random) }

    private mutating func arrival() -> Arrival {
        Sample.arrival(
            "\(prefix)\(roll(3))", account: roll(20) == 0 ? "bert" : "anna", generation: roll(6) == 0 ? roll(3) : 0,
            copy: roll(4), attempts: roll(3), isAmbiguous: roll(10) == 0)
    }

    private mutating func same<Answer: Equatable>(
        _ what: String, _ perform: (any JobLedger) async throws -> Answer
    ) async throws -> Bool {
        let (mine, theirs) = (try await perform(ledger), try await perform(model))
        if mine != theirs { lastDifference = "\(what): \(mine) is not \(theirs)" }
        return mine == theirs
    }

    mutating func step() async throws -> Bool {
        now = now + .seconds(roll(60))
        let (arrival, now) = (arrival(), now)
        switch roll(14) {
        case 0, 1: return try await same("look") { try await $0.lookUp(arrival, at: now) }
        case 2, 3, 4: return try await claim(arrival)
        case 5, 6, 7, 8: return try await record(arrival)
        case 9: return try await mark(arrival)
        case 10: return try await lose()
        case 11: return try await cancel(arrival.jobID)
        default:
            let limit = 1 + roll(3)
            return try await same("owed") { [prefix] in
                try await $0.unpublishedResults(after: JobID(prefix), limit: limit)
            }
        }
    }

    private mutating func claim(_ arrival: Arrival) async throws -> Bool {
        // Nearly always a worker knows of an unheard call; if not, it is refused.
        let isInDoubt = try await isInDoubt(arrival)
        let closing = roll(2) == 0 ? nil : Sample.result("closing", body: "\(random.next())")
        let claim = Sample.claim(
            arrival, kind: roll(4) == 0 ? .albumQuery : .call, day: prefix, at: now, attempts: roll(4),
            isAmbiguous: roll(10) == 0 || isInDoubt && roll(8) > 0, malformedAnswers: roll(3), closing: closing,
            presumesNew: roll(3) == 0)
        guard try await same("claim", { try await $0.claim(claim) }) else { return false }
        return try await same("day") { [prefix] in try await $0.count(of: prefix) }
    }

    /// Whether a call may have gone unheard, as a lookup tells a worker.
    private func isInDoubt(_ arrival: Arrival) async throws -> Bool {
        switch try await model.lookUp(arrival, at: now) {
        case .resumed(let open), .overdue(let open), .parked(let open), .unparked(let open): open.isAmbiguous
        case .fresh(let isAmbiguous, _): isAmbiguous
        default: false
        }
    }

    private mutating func record(_ arrival: Arrival) async throws -> Bool {
        // The worker's duty: an open generation is closed before anything of a newer one is recorded.
        if case .fresh(_, .some) = try await model.lookUp(arrival, at: now) { return true }
        // What is recorded of no call rests on a lookup.
        let lease: Lease? = roll(3) == 0 ? nil : .sole(isFirstCall: roll(2) == 0)
        let isKnown = try await isInDoubt(arrival)
        let (attempts, isAmbiguous, malformed) = (roll(5), lease == nil && isKnown || roll(8) == 0, roll(3))
        let record: Record =
            switch roll(6) {
            case 0:
                Sample.finished(
                    arrival, body: "\(random.next())", attempts: attempts, isAmbiguous: isAmbiguous,
                    needsDeadLetter: roll(2) == 0)
            case 1, 2:
                .parked(
                    arrival, attempts: attempts, isAmbiguous: isAmbiguous, malformedAnswers: malformed,
                    due: now + .seconds(roll(90)))
            case 3: .callEnded(arrival, attempts: attempts, isAmbiguous: isAmbiguous, malformedAnswers: malformed)
            case 4: .postponed(arrival, due: now + .seconds(roll(90)))
            default: .steppedAside(arrival, due: now + .seconds(roll(90)))
            }
        // As in the pipeline, a stranger's delivery never comes to a record.
        if case .conflict = try await model.lookUp(arrival, at: now) { return true }
        let isUnheard = roll(6) == 0
        return try await same("record") { try await $0.record(record, under: lease, isUnheard: isUnheard) }
    }

    private mutating func mark(_ arrival: Arrival) async throws -> Bool {
        let part: PublishedPart =
            switch roll(3) {
            case 0: .result
            case 1: .deadLetter
            default: .copy(arrival.copy)
            }
        for ledger in [ledger, model] { ledger.mark(part, of: arrival.jobID, generation: arrival.generation) }
        let now = now
        return try await same("look after mark") { try await $0.lookUp(arrival, at: now) }
    }

    /// A publisher's word, or an operator's last one, with what the operator does on it or without.
    private mutating func cancel(_ id: JobID) async throws -> Bool {
        let now = now
        guard roll(3) > 0 else { return try await same("cancel") { try await $0.cancel(id, at: now) } }
        let newest = roll(2) == 0 ? nil : roll(3)
        let mine = try await ledger.cancelForGood(id, newest: newest, at: now)
        let theirs = try await model.cancelForGood(id, newest: newest, at: now)
        guard case (.open(let ours), .open(var expected)) = (mine, theirs) else {
            if mine != theirs { lastDifference = "cancelForGood: \(mine) is not \(theirs)" }
            return mine == theirs
        }
        let revision = expected.revision
        expected.revision = ours.revision
        guard ours == expected else {
            lastDifference = "cancelForGood: \(ours) is not \(expected)"
            return false
        }
        guard roll(2) == 0 else { return true }
        expected.revision = revision
        let result = Sample.result(id.string, outcome: .failed, reason: .cancelled)
        let answers = (
            try await ledger.finishCancelled(ours, result: result),
            try await model.finishCancelled(expected, result: result)
        )
        if answers != (true, true) { lastDifference = "finishCancelled: \(answers)" }
        return answers == (true, true)
    }

    /// Sometimes with what was seen some steps ago.
    private mutating func lose() async throws -> Bool {
        if roll(2) == 0 {
            let mine = try await ledger.overdue(before: now, limit: 1_000)
            let theirs = try await model.overdue(before: now, limit: 1_000)
            // Two that were due in the same millisecond may come in any order.
            let ours: ([OverdueJob]) -> [OverdueJob] = { [prefix] jobs in
                jobs.filter { $0.jobID.string.hasPrefix(prefix) }.sorted {
                    $0.jobID.utf8.lexicographicallyPrecedes($1.jobID.utf8)
                }
            }
            seen = (ours(mine), ours(theirs))
            guard seen.mine.map(\.open) == seen.theirs.map(\.open) else {
                lastDifference = "overdue: \(seen.mine) is not \(seen.theirs)"
                return false
            }
            return true
        }
        guard let mine = seen.mine.last, let theirs = seen.theirs.last else { return true }
        let result = Sample.result(mine.jobID.string, outcome: .failed, reason: .jobLost)
        let answers = (
            try await ledger.finishLost(mine, result: result), try await model.finishLost(theirs, result: result)
        )
        if answers.0 != answers.1 { lastDifference = "finishLost: \(answers)" }
        return answers.0 == answers.1
    }
}

/// The same numbers on every machine.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
