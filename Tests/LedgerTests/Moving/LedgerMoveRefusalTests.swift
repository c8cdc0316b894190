import Clocks
import Concurrency
import Glibc
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger
@testable import SQLiteLedger

/// What is not moved, and that it stays as it is.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct LedgerMoveRefusalTests {
    @Test func aCopyThatDiffersIsSaidByTheJobAndTheOldOneStaysInUse() async throws {
        let moving = try await Moving()
        try await moving.fill()
        await #expect {
            try await moving.moveFile { step in
                guard step == .copied(14, of: 14) else { return }
                moving.runAtOnce([
                    "UPDATE leave_album.jobs SET attempts = 7 WHERE job_id = 'parked-2'",
                    "DELETE FROM leave_album.history WHERE job_id = 'done-1'",
                ])
            }
        } throws: { error in
            let text = "\(error)"
            return text.contains("2 jobs are not the same: ") && text.contains("parked-2")
                && text.contains("is used as before")
        }
        #expect(moving.fileRefusal() == nil)
        #expect(try await moving.databaseRefusal()?.contains("not whole") == true)
    }

    @Test func aLedgerThatIsInUseIsNotMoved() async throws {
        let moving = try await Moving()
        try await moving.fill()
        let ledger = try await moving.database.join("busy")
        await #expect { try await moving.moveFile() } throws: { "\($0)".contains("daemons work on it (busy)") }
        let path = moving.folder.path + "/other.sqlite3"
        await #expect { try await moving.moveDatabase(to: path) } throws: { "\($0)".contains("(busy)") }
        #expect(access(path, F_OK) != 0)
        await ledger.close(within: Moving.closeTime)
        try await moving.moveFile()
    }

    @Test func aDatabaseWithJobsTakesNoOthers() async throws {
        let moving = try await Moving()
        try await moving.fill()
        let ledger = try await moving.database.join()
        _ = try await ledger.claim(Sample.claim(Sample.arrival("own")))
        await ledger.close(within: Moving.closeTime)
        for beginsAnew in [false, true] {
            await #expect { try await moving.moveFile(beginsAnew: beginsAnew) } throws: {
                "\($0)".contains("jobs of its own")
            }
        }
        #expect(moving.fileRefusal() == nil)
        #expect(try await moving.databaseRefusal() == nil, "both are used as before")
    }

    @Test func aFileThatIsThereIsNotReplaced() async throws {
        let moving = try await Moving()
        try await moving.fill()
        let path = moving.folder.ledger
        let before = contents(of: path)
        await #expect { try await moving.moveDatabase(to: path) } throws: { "\($0)".contains("there is a file at") }
        #expect(contents(of: path) == before)
        #expect(try await moving.databaseRefusal() == nil)
    }

    @Test func whoeverIsPausedWhileTheLedgerIsMovedAwayDoesNotComeBack() async throws {
        let moving = try await Moving()
        try await moving.fill()
        try await moving.moveFile()
        try await moving.database.endLeases()
        let health = Lock<[LedgerHealth]>([])
        let paused = try await moving.database.join("paused") {
            $0.heartbeatInterval = .seconds(3_600)
            $0.onHealth = { change in health.withLock { $0.append(change) } }
        }
        // It has said once that it lives, and says so no more.
        _ = try await paused.knowsSuccess()
        // Unheard of for longer than a member lives.
        try await moving.database.run("UPDATE leave_album.instances SET alive_until = now() - interval '1 second'")
        try await moving.moveDatabase(to: moving.folder.path + "/back.sqlite3")
        await #expect(throws: LedgerError.self) { _ = try await paused.lease(Sample.arrival("late")) }
        // The second try has a connection of its own, and hears why.
        await #expect { _ = try await paused.lease(Sample.arrival("later")) } throws: {
            "\($0)".contains("was moved to")
        }
        #expect(try await moving.database.run("SELECT count(*) FROM leave_album.jobs WHERE job_id = 'late'") == "0")
        await paused.close(within: .zero)
    }

    @Test func whoeverJoinsWhileItIsBeingGivenUpIsKeptOut() async throws {
        let moving = try await Moving()
        try await moving.fill()
        try await moving.moveFile()
        try await moving.database.endLeases()
        let joining = Lock<Task<String?, any Error>?>(nil)
        let join: @Sendable (MoveStep) -> Void = { step in
            guard step == .copied(14, of: 14) else { return }
            joining.withLock { $0 = Task { try await moving.databaseRefusal() } }
        }
        try await moving.moveDatabase(to: moving.folder.path + "/back.sqlite3", onStep: join)
        let refusal = try await joining.withLock { $0 }?.value
        #expect(refusal != nil)
        #expect(
            try await moving.database.run("SELECT count(*) FROM leave_album.instances WHERE state = 'working'") == "0")
    }

    @Test func aCallUnderALeaseIsWaitedForBeforeADatabaseIsMoved() async throws {
        let moving = try await Moving()
        let ledger = try await moving.database.join()
        _ = try await ledger.lease(Sample.arrival("calling"))
        await ledger.close(within: Moving.closeTime)
        try await moving.database.run(
            "UPDATE leave_album.jobs SET call_until = clock_timestamp() + interval '700 milliseconds'")
        let waited = Lock<[Duration]>([])
        let path = moving.folder.path + "/other.sqlite3"
        try await moving.moveDatabase(to: path) { rest in waited.withLock { $0.append(rest) } }
        #expect(waited.withLock { $0 }.allSatisfy { $0 <= .milliseconds(700) })
        let job = try #require(try Moving.content(of: path).jobs["calling"])
        #expect(job.row?.hasOpenIntent == true, "the album is asked before it is called again")
    }
}
