import Clocks
import Jobs
import Ledger
import Secrets

/// A ledger row, with times from now and without what no rule decides by.
struct RowState: Equatable {
    var generation = 0
    var copy = 0
    var isAmbiguous = false
    var hasOpenIntent = false
    var hasFirstCall = false
    /// From now; not below where it matters no more.
    var due: Int8?
    var copyIsPublished = true
    var isFinished = false
    var deadLetterIsPublished = false
    /// A row that no claim has made yet has fence 0.
    var hasFence = false
    var callUntil: Int8?
    var deaths = 0

    static let earliestDue = -Ticks.lateness - 1
    static let earliestEnd: Int8 = -1
    static let mostDeaths = 3

    mutating func tick() {
        due = due.map { max($0 - 1, Self.earliestDue) }
        callUntil = callUntil.map { max($0 - 1, Self.earliestEnd) }
    }

    // MARK: As the rules see it

    /// So long that lateness is `Ticks.lateness`, and that a row's times are whole.
    static let tick = Duration.seconds(60)
    static let now = Timestamp(milliseconds: 1_000_000_000_000)
    static let job = JobID("job")
    static let account = AccountID("account")
    static let token = SHA256Digest(of: Array("token".utf8))
    static let revision = 7
    static let (current, claimed, past): (Int64, Int64, Int64) = (1, 2, 3)

    static func time(_ ticks: Int8) -> Timestamp { now + .seconds(60 * Int(ticks)) }

    static func ticks(_ time: Timestamp, from earliest: Int8) -> Int8 {
        let ticks = (time - now).milliseconds / tick.milliseconds
        return Int8(max(ticks, Int64(earliest)))
    }

    /// Of two jobs that are of one account, each has a name as if it were alone: they share nothing but the slot.
    static func arrival(_ message: UInt8) -> Arrival {
        Arrival(
            jobID: job, account: account, tokenHash: token, generation: Message.generation(message),
            copy: Message.copy(message), firstSeen: now)
    }

    var ledgerRow: LedgerRow {
        var row = LedgerRow(
            jobID: Self.job, account: Self.account, tokenHash: Self.token, generation: generation, copy: copy,
            firstSeen: Self.now, changedAt: Self.now)
        row.isAmbiguous = isAmbiguous
        row.hasOpenIntent = hasOpenIntent
        row.firstCallAt = hasFirstCall ? Self.now : nil
        row.due = due.map(Self.time)
        row.copyIsPublished = copyIsPublished
        row.isFinished = isFinished
        row.deadLetterIsPublished = deadLetterIsPublished
        row.fence = hasFence ? Self.current : 0
        row.callUntil = callUntil.map(Self.time)
        row.deaths = deaths
        row.revision = Self.revision
        return row
    }

    init() {}

    init(_ row: LedgerRow) {
        generation = row.generation
        copy = row.copy
        isAmbiguous = row.isAmbiguous
        hasOpenIntent = row.hasOpenIntent
        hasFirstCall = row.firstCallAt != nil
        due = row.due.map { Self.ticks($0, from: Self.earliestDue) }
        copyIsPublished = row.copyIsPublished
        isFinished = row.isFinished
        deadLetterIsPublished = row.deadLetterIsPublished
        hasFence = row.fence != 0
        callUntil = row.callUntil.map { Self.ticks($0, from: Self.earliestEnd) }
        deaths = min(row.deaths, Self.mostDeaths)
    }

    // MARK: Code

    static func write(_ row: RowState?, _ code: inout Code, hasGenerations: Bool) {
        code.put(row != nil)
        let row = row ?? RowState()
        if hasGenerations { code.put(UInt8(row.generation), 1) }
        code.put(UInt8(row.copy), 2)
        code.put(row.isAmbiguous)
        code.put(row.hasOpenIntent)
        code.put(row.hasFirstCall)
        code.put(UInt8(row.due.map { $0 - earliestDue + 1 } ?? 0), 3)
        code.put(row.copyIsPublished)
        code.put(row.isFinished)
        code.put(row.deadLetterIsPublished)
        code.put(row.hasFence)
        code.put(UInt8(row.callUntil.map { $0 - earliestEnd + 1 } ?? 0), 3)
        code.put(UInt8(row.deaths), 2)
    }

    static func read(_ code: inout Code, hasGenerations: Bool) -> RowState? {
        let exists = code.takeBool()
        var row = RowState()
        if hasGenerations { row.generation = Int(code.takeByte(1)) }
        row.copy = Int(code.takeByte(2))
        row.isAmbiguous = code.takeBool()
        row.hasOpenIntent = code.takeBool()
        row.hasFirstCall = code.takeBool()
        let due = Int8(code.takeByte(3))
        row.due = due == 0 ? nil : due + earliestDue - 1
        row.copyIsPublished = code.takeBool()
        row.isFinished = code.takeBool()
        row.deadLetterIsPublished = code.takeBool()
        row.hasFence = code.takeBool()
        let end = Int8(code.takeByte(3))
        row.callUntil = end == 0 ? nil : end + earliestEnd - 1
        row.deaths = Int(code.takeByte(2))
        return exists ? row : nil
    }
}
