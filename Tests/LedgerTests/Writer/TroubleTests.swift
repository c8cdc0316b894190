import CSQLite
import Clocks
import Concurrency
import Glibc
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// What happens when the file cannot be written, and when it is not what it should be.
@Suite(.timeLimit(.minutes(30))) struct TroubleTests {
    /// Nil: as much as the disk has.
    private static func fullAt(_ pages: Lock<Int?>) -> @Sendable (SQLiteConnection) throws(SQLiteFault) -> Void {
        { connection throws(SQLiteFault) in
            guard let limit = pages.withLock({ $0 }) else { return }
            _ = try connection.integer("PRAGMA max_page_count = \(limit)")
        }
    }

    /// Claims until the file is full. Returns how many were claimed.
    private func fill(_ ledger: EmbeddedLedger) async -> Int {
        for number in 0..<100_000 {
            let claim = Sample.claim(Sample.arrival("fill-\(number)", account: String(repeating: "a", count: 200)))
            do {
                _ = try await ledger.claim(claim)
            } catch {
                #expect(error.isUnavailable)
                #expect(error.description.contains("make room on its disk"))
                return number
            }
        }
        Issue.record("the file was never full")
        return 0
    }

    @Test func aFullDiskStopsIntakeKeepsRecordsAndMendsItself() async throws {
        let folder = TemporaryFolder()
        let limit = Lock<Int?>(60)
        let health = HealthLog()
        let ledger = try EmbeddedLedger.opened(folder, onOpen: Self.fullAt(limit), onHealth: { health.reported($0) })
        let claimed = await fill(ledger)
        #expect(claimed > 10)
        guard case .unavailable(let problem) = await health.next() else {
            Issue.record("the trouble was not told")
            return
        }
        #expect(problem.isUnavailable)

        // The API said yes, and the ledger cannot take it: the verdict waits in memory.
        let arrival = Sample.arrival("fill-0", account: String(repeating: "a", count: 200))
        let body = String(repeating: "b", count: 20_000)
        let order = Lock<[String]>([])
        async let recorded: Void = {
            try await ledger.record(Sample.finished(arrival, body: body))
            order.withLock { $0.append("recorded") }
        }()
        do {
            while true {
                // Until the record is in the thread's hands, and then some: neither looks nor claims are answered.
                _ = try await ledger.lookUp(arrival, at: Sample.start)
            }
        } catch {
            #expect(error.isUnavailable)
        }
        await #expect(throws: LedgerError.self) { _ = try await ledger.claim(Sample.claim(Sample.arrival("new"))) }
        #expect(order.withLock { $0 }.isEmpty)

        limit.withLock { $0 = nil }
        #expect(await health.next() == .available)
        try await recorded
        ledger.mark(.result, of: arrival.jobID, generation: 0)
        guard case .finished(let job) = try await ledger.lookUp(arrival, at: Sample.start) else {
            Issue.record("the record was lost")
            return
        }
        #expect(job.result.body.count == 20_000)
        #expect(job.resultIsPublished)
        // What was refused is not there.
        #expect(
            try await ledger.lookUp(Sample.arrival("new"), at: Sample.start)
                == .fresh(isAmbiguous: false, predecessor: nil))
        #expect(try await ledger.count(of: Sample.day).calls == claimed)
        #expect(await ledger.close(within: EmbeddedLedger.closeTime) == 0)
        #expect(try LedgerReader(path: folder.ledger).faults() == [])
    }

    @Test func aDiskThatStaysFullIsNotTakenForMended() async throws {
        let folder = TemporaryFolder()
        let limit = Lock<Int?>(60)
        let events = AsyncStream<String>.makeStream()
        let ledger = try EmbeddedLedger.opened(
            folder,
            onOpen: { connection throws(SQLiteFault) in
                events.continuation.yield("opened")
                try Self.fullAt(limit)(connection)
            }, onHealth: { events.continuation.yield($0 == .available ? "available" : "unavailable") })
        _ = await fill(ledger)
        // Nothing is owed, so that each try is one of the room alone. Each opens the file anew.
        var seen: [String] = []
        for await event in events.stream {
            seen.append(event)
            if seen.count == 6 { break }
        }
        #expect(seen == ["opened", "opened", "unavailable", "opened", "opened", "opened"])
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func aReadOnlyFileStopsIntakeAndMendsItself() async throws {
        let folder = TemporaryFolder()
        let isReadOnly = Lock(false)
        let health = HealthLog()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        await (try EmbeddedLedger.opened(folder, lock: lock)).close(within: EmbeddedLedger.closeTime)
        isReadOnly.withLock { $0 = true }
        let ledger = try EmbeddedLedger.opened(
            folder, lock: lock,
            onOpen: { connection throws(SQLiteFault) in
                if isReadOnly.withLock({ $0 }) { try connection.execute("PRAGMA query_only = ON") }
            }, onHealth: { health.reported($0) })
        await #expect(throws: LedgerError.self) { _ = try await ledger.claim(Sample.claim(Sample.arrival())) }
        guard case .unavailable(.unavailable(let text)) = await health.next() else {
            Issue.record("the trouble was not told")
            return
        }
        #expect(text.contains("writable"))
        isReadOnly.withLock { $0 = false }
        #expect(await health.next() == .available)
        #expect(try await ledger.claim(Sample.claim(Sample.arrival())) == .claimed(Sample.open()))
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func closingInTroubleTriesUntilTheDeadlineAndCountsWhatIsLost() async throws {
        let folder = TemporaryFolder()
        let limit = Lock<Int?>(60)
        let ledger = try EmbeddedLedger.opened(folder, onOpen: Self.fullAt(limit))
        _ = await fill(ledger)
        let arrival = Sample.arrival("fill-1", account: String(repeating: "a", count: 200))
        async let refused: LedgerError? = {
            do {
                try await ledger.record(Sample.finished(arrival))
                return nil
            } catch {
                return error as? LedgerError
            }
        }()
        ledger.mark(.copy(0), of: arrival.jobID, generation: 0)
        // The mark is owed for sure; the record too, unless its task has not run yet.
        let lost = await ledger.close(within: .milliseconds(1))
        #expect((1...2).contains(lost))
        #expect(await refused == .closed)
        // What was claimed before is all there.
        let reader = try LedgerReader(path: folder.ledger)
        #expect(try reader.faults() == [])
        #expect(try reader.history(of: arrival.jobID)?.results == [])
    }

    @Test func aFileThatIsNoLedgerIsRefusedWithTheReason() throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        write(
            Array("this is a text, and has been one for more than a hundred bytes: ".utf8)
                + Array(repeating: 32, count: 4_096), to: folder.ledger)
        #expect { _ = try EmbeddedLedger.opened(folder, lock: lock) } throws: { error in
            (error as? LedgerError)?.isUnusable == true && "\(error)".contains("ledger restore")
        }
        #expect { _ = try LedgerReader(path: folder.ledger) } throws: { ($0 as? LedgerError)?.isUnusable == true }
    }

    @Test func aDirectoryThatIsNotThereIsUnavailableAndNamed() throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        #expect {
            _ = try EmbeddedLedger(path: folder.path + "/none/ledger", durability: .normal, lock: lock)
        } throws: { error in
            (error as? LedgerError)?.isUnavailable == true && "\(error)".contains("/none/ledger")
        }
    }

    /// Overwrites the first page of a table.
    private func damage(_ table: String, of folder: TemporaryFolder) throws {
        let page: Int64
        do {
            let connection = try SQLiteConnection(path: folder.ledger, mode: .readOnly)
            page = try connection.integer("SELECT rootpage FROM sqlite_schema WHERE name = '\(table)'")
        }
        try #require(page > 1)
        write([UInt8](repeating: 0xA5, count: 4_096), to: folder.ledger, at: Int(page - 1) * 4_096)
    }

    @Test func aDamagedFileStopsIntakeForGood() async throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        await (try EmbeddedLedger.opened(folder, lock: lock)).close(within: EmbeddedLedger.closeTime)
        try damage("jobs_id", of: folder)
        let health = HealthLog()
        let ledger = try EmbeddedLedger.opened(folder, lock: lock, onHealth: { health.reported($0) })
        await #expect { _ = try await ledger.lookUp(Sample.arrival(), at: Sample.start) } throws: { error in
            (error as? LedgerError)?.isUnusable == true
        }
        guard case .unavailable(.unusable) = await health.next() else {
            Issue.record("the damage was not told")
            return
        }
        // No record is kept waiting for what no wait mends.
        await #expect { try await ledger.record(Sample.finished(Sample.arrival())) } throws: { error in
            (error as? LedgerError)?.isUnusable == true
        }
        #expect(await ledger.close(within: EmbeddedLedger.closeTime) == 0)
    }

    @Test func afterAnUncleanStopTheWholeFileIsCheckedInTheBackground() async throws {
        let original = TemporaryFolder()
        let copy = TemporaryFolder()
        // Killed: file and log as they are at a moment in the middle.
        let ledger = try EmbeddedLedger.opened(
            original,
            onCommit: { _, _ in
                for suffix in ["", "-wal"] {
                    unlink(copy.ledger + suffix)
                    write(contents(of: original.ledger + suffix), to: copy.ledger + suffix)
                }
            })
        #expect(!ledger.wasStoppedUncleanly)
        try await ledger.record(Sample.finished(Sample.arrival()))
        await ledger.close(within: EmbeddedLedger.closeTime)

        let lock = try #require(try LedgerLock.take(ledger: copy.ledger))
        let whole = AsyncStream<[String]>.makeStream()
        let next = try EmbeddedLedger.opened(copy, lock: lock, onCheck: { whole.continuation.yield($0) })
        #expect(next.wasStoppedUncleanly)
        var faults = whole.stream.makeAsyncIterator()
        #expect(await faults.next() == [])
        await next.close(within: EmbeddedLedger.closeTime)

        // The same with a table damaged that the path of a job does not touch.
        try damage("holds", of: copy)
        write(Array("not empty".utf8), to: copy.ledger + "-wal")
        let health = HealthLog()
        let damaged = try EmbeddedLedger.opened(
            copy, lock: lock, onHealth: { health.reported($0) }, onCheck: { whole.continuation.yield($0) })
        #expect(damaged.wasStoppedUncleanly)
        #expect(await faults.next()?.isEmpty == false)
        guard case .unavailable(.unusable(let text)) = await health.next() else {
            Issue.record("the damage was not told")
            return
        }
        #expect(text.contains("ledger restore"))
        await damaged.close(within: EmbeddedLedger.closeTime)
    }
}
