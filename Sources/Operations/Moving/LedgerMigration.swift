package import Ledger
package import PostgresLedger
import SQLiteLedger

/// A ledger's way from a file into a database, or back. Each blocks: not for a task.
package enum LedgerMigration {
    /// What became of it.
    package struct Outcome: Equatable, Sendable {
        package var from: String
        package var to: String
        package var outcome: MoveOutcome
        /// What has no place where it went, and stays behind.
        package var notMoved: [String] = []
    }

    /// Moves the ledger of a stopped daemon into a database with an empty one.
    ///
    /// - Parameters:
    ///   - durations: of the calls of that daemon.
    ///   - program: as in `EmbeddedLedger`.
    ///   - beginsAnew: as in `LedgerMove`, and so is `onStep`.
    package static func moveFile(
        _ path: String, to database: PostgresConfiguration, durations: LeaseDurations, program: String,
        beginsAnew: Bool = false, onStep: @escaping (MoveStep) throws(LedgerError) -> Void
    ) throws(LedgerError) -> Outcome {
        let source = try FileMoveSource(path: path, lock: try lock(path), program: program)
        let target = try DatabaseMoveTarget(database, durations: durations)
        return try move(source, target, beginsAnew, onStep)
    }

    /// Moves the ledger of stopped daemons into a file that is not there yet.
    ///
    /// - Parameter onWait: hears how long is waited for calls that may still arrive.
    package static func moveDatabase(
        _ database: PostgresConfiguration, to path: String, program: String, beginsAnew: Bool = false,
        onWait: @escaping @Sendable (Duration) -> Void, onStep: @escaping (MoveStep) throws(LedgerError) -> Void
    ) throws(LedgerError) -> Outcome {
        let target = try FileMoveTarget(path: path, lock: try lock(path), program: program)
        let source = try DatabaseMoveSource(database, .move(onWait: onWait))
        var outcome = try move(source, target, beginsAnew, onStep)
        outcome.notMoved = source.notMoved
        return outcome
    }

    /// Copies a database's ledger, as of now, into a file, while daemons work on it.
    package static func copyDatabase(
        _ database: PostgresConfiguration, to path: String, program: String,
        onStep: @escaping (MoveStep) throws(LedgerError) -> Void
    ) throws(LedgerError) -> MoveCounts {
        let target = try FileCopyTarget(path: path, program: program)
        let source = try DatabaseMoveSource(database, .copy)
        return try LedgerMove(from: source, to: target, onStep: onStep).copy()
    }

    private static func move(
        _ source: any MoveSource, _ target: any MoveTarget, _ beginsAnew: Bool,
        _ onStep: @escaping (MoveStep) throws(LedgerError) -> Void
    ) throws(LedgerError) -> Outcome {
        let outcome = try LedgerMove(from: source, to: target, beginsAnew: beginsAnew, onStep: onStep).run()
        return Outcome(from: source.place, to: target.place, outcome: outcome)
    }

    private static func lock(_ path: String) throws(LedgerError) -> LedgerLock {
        guard let lock = try LedgerLock.take(ledger: path) else {
            throw .unavailable("process \(LedgerLock.holder(ledger: path)) has ledger \(path): stop the daemon first")
        }
        return lock
    }
}
