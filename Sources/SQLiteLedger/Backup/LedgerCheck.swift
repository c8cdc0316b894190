import Concurrency
import Ledger

/// The full check of a ledger whose writer did not stop cleanly, beside the new writer: it takes seconds for millions
/// of jobs, and a start must not wait so long.
final class LedgerCheck: Sendable {
    private let stop: Lock<Bool>
    private let thread: NativeThread

    /// `onDamage` and then `onEnd` are called on the check's thread; neither, if `end` came first.
    init(
        path: String, lock: LedgerLock, onDamage: @escaping @Sendable (LedgerError) -> Void,
        onEnd: @escaping @Sendable (_ faults: [String]) -> Void
    ) throws(SystemCallError) {
        let stop = Lock(false)
        self.stop = stop
        thread = try NativeThread(name: "ledger-check") {
            lock.whileOpen { Self.run(path, stop: stop, onDamage: onDamage, onEnd: onEnd) }
        }
    }

    private static func run(
        _ path: String, stop: Lock<Bool>, onDamage: (LedgerError) -> Void, onEnd: ([String]) -> Void
    ) {
        do throws(LedgerError) {
            let reader = try LedgerReader(path: path, stop: stop)
            let damage = try reader.damage()
            if !damage.isEmpty {
                onDamage(
                    .unusable(
                        "ledger \(path) is damaged (\(damage.joined(separator: "; "))); stop the daemon and run "
                            + "`ledger restore` with a backup"))
            }
            onEnd(damage + (try reader.contradictions()))
        } catch {
            if case .unusable = error { onDamage(error) }
            if !stop.withLock({ $0 }) { onEnd([error.description]) }
        }
    }

    /// Breaks it off, within milliseconds.
    func end() {
        stop.withLock { $0 = true }
    }

    /// Waits for its end. From a thread that may wait, never from a task that others wait for.
    func join() { thread.join() }
}
