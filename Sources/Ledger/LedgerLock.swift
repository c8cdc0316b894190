import CLinux
import Glibc
public import Threads

/// The right to write a ledger: a lock on `<path>.lock`, held until the process ends or this is released.
///
/// The file stays when the lock goes: removing it would let a third process lock another file of the same name.
public final class LedgerLock: Sendable {
    // Negative once it is released.
    private let descriptor: Lock<Int32>

    private init(descriptor: Int32) {
        self.descriptor = Lock(descriptor)
    }

    deinit { release() }

    /// Lets the next one in. The second time it does nothing.
    func release() {
        let held = descriptor.withLock { descriptor in
            defer { descriptor = -1 }
            return descriptor
        }
        if held >= 0 { close(held) }
    }

    /// Nil if another process has it.
    public static func take(ledger path: String) throws(LedgerError) -> LedgerLock? {
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
        // For whoever waits: whom to look for.
        let identity = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        _ = pwrite(descriptor, identity, identity.count, 0)
        return LedgerLock(descriptor: descriptor)
    }

    /// Two names of one ledger, one of them a symbolic link, share one lock.
    private static func file(of path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path + ".lock" }
        defer { free(resolved) }
        return String(cString: resolved) + ".lock"
    }

    /// Waits for it. `onWaiting` is told once whom for. Nil if the task was cancelled first.
    public static func wait(
        ledger path: String, clock: any Timekeeper, onWaiting: @Sendable (_ holder: String) -> Void
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
    public static func holder(ledger path: String) -> String {
        let descriptor = CLinux_open(file(of: path), O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return "unknown" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(0, count)).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return digits.isEmpty ? "unknown" : String(decoding: digits, as: UTF8.self)
    }
}
