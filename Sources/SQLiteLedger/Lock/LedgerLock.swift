import CLinux
package import Clocks
import Concurrency
import Glibc
package import Ledger

/// The right to write a ledger, held until the process ends or this is released: a lock on `<path>.lock`, and behind it
/// one on the ledger's file itself, which a hard link or a bind mount does not get around.
///
/// Programs that know only the first lock are kept out by it. Its file stays when the lock goes: removing it would let
/// a third process lock another file of the same name.
///
/// The file's descriptor is opened before SQLite opens the file, and closed after SQLite has closed it for the last
/// time: closing any descriptor of a file drops the locks that SQLite holds on it
/// (https://sqlite.org/howtocorrupt.html, 2.2).
package final class LedgerLock: Sendable {
    private struct State {
        /// Of `<path>.lock`; negative once it is released.
        var gate: Int32
        /// Of the ledger's file; nil while there is none.
        var file: LockedFile?
        /// Who has it open through SQLite.
        var users = 0
        var isReleased = false
    }

    private let state: Lock<State>

    private init(gate: Int32) {
        state = Lock(State(gate: gate))
    }

    deinit { release() }

    /// Lets the next one in, as soon as nobody of this process has the file open. The second time it does nothing.
    func release() {
        state.withLock { state in
            state.isReleased = true
            Self.closeIfUnused(&state)
        }
    }

    private static func closeIfUnused(_ state: inout State) {
        guard state.isReleased, state.users == 0 else { return }
        state.file?.close()
        state.file = nil
        if state.gate >= 0 { LockedFile.unlock(state.gate) }
        state.gate = -1
    }

    /// The lock stays while `body` has the file open.
    func whileOpen<Answer, Failure: Error>(_ body: () throws(Failure) -> Answer) throws(Failure) -> Answer {
        state.withLock { $0.users += 1 }
        defer {
            state.withLock { state in
                state.users -= 1
                Self.closeIfUnused(&state)
            }
        }
        return try body()
    }

    /// Nil if another process has it. Throws for a file that cannot be a ledger's.
    ///
    /// - Parameter fileSystem: see `LedgerFileSystem.requireLocal`.
    package static func take(
        ledger path: String, fileSystem: (_ path: String) -> Int? = LedgerFileSystem.kind(of:)
    ) throws(LedgerError) -> LedgerLock? {
        try LedgerFileSystem.requireLocal(path, kind: fileSystem)
        let file = file(of: path)
        let descriptor = CLinux_open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let error = SystemCallError("opening \(file)")
            let advice = error.advice("make the ledger's directory writable for the daemon's user")
            throw .unavailable("\(error); \(advice)")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = CLinux_errno()
            close(descriptor)
            guard code == EWOULDBLOCK else {
                throw .unavailable(SystemCallError("locking \(file)", code: code).description)
            }
            return nil
        }
        // Of the last one that had it, who need not be the one that has the file by another name.
        ftruncate(descriptor, 0)
        // From here on its end closes the descriptor.
        let lock = LedgerLock(gate: descriptor)
        guard try lock.lockFile(path, makes: false) else { return nil }
        // For whoever waits: whom to look for.
        let identity = Array("\(getpid())\n".utf8)
        _ = pwrite(descriptor, identity, identity.count, 0)
        return lock
    }

    /// Locks the ledger's file itself. False if another process has it, by whatever name. Call it before this process
    /// opens the file through SQLite.
    ///
    /// - Parameter makes: the file, if there is none; else none is fine.
    func lockFile(_ path: String, makes: Bool) throws(LedgerError) -> Bool {
        try state.withLock { state throws(LedgerError) in
            if let file = state.file {
                if file.isHalted(path) { return true }
                file.close()
                state.file = nil
            }
            switch try LockedFile.lock(path, makes: makes) {
            case .none: return true
            case .taken: return false
            case .locked(let file):
                state.file = file
                state.isReleased = false
                return true
            }
        }
    }

    /// Of the file that is locked; nil while there is none.
    var identity: FileIdentity? { state.withLock { $0.file?.identity } }

    /// Two names of one ledger, one of them a symbolic link, share one lock.
    private static func file(of path: String) -> String { LedgerFiles.resolved(path) + ".lock" }

    /// Waits for it. `onWaiting` is told once whom for. Nil if the task was cancelled first.
    package static func wait(
        ledger path: String, clock: any TimeSource, onWaiting: @Sendable (_ holder: String) -> Void
    ) async throws(LedgerError) -> LedgerLock? {
        var isWaiting = false
        while !Task.isCancelled {
            do throws(LedgerError) {
                if let lock = try take(ledger: path) { return lock }
            } catch {
                // Without a descriptor a standby cannot even look, and stays one.
                guard isWaiting, DescriptorShortage.now() != nil else { throw error }
            }
            if !isWaiting { onWaiting(holder(ledger: path)) }
            isWaiting = true
            await clock.sleep(for: retry)
        }
        return nil
    }

    // flock(2) that blocks cannot be cancelled, and a standby that takes over within a second is soon enough.
    private static let retry = Duration.seconds(1)

    /// The process id that the holder wrote.
    package static func holder(ledger path: String) -> String {
        let descriptor = CLinux_open(file(of: path), O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return "unknown" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(0, count)).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        if !digits.isEmpty { return String(decoding: digits, as: UTF8.self) }
        return LockedFile.holder(path).map(String.init) ?? "unknown"
    }
}
