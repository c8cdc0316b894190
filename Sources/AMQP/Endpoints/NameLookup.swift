import CLinux
import Clocks
import Concurrency
import Glibc

/// Looks names up, and does not wait longer for that than it is told.
///
/// getaddrinfo(3) knows no deadline: three name servers that do not answer hold it for half a minute, and a link's
/// thread with it, which the watchdog would take for stuck. So it has a thread of its own, one for a name: whoever asks
/// while it is out waits for the same answer.
final class NameLookup: Sendable {
    static let system = NameLookup { host in
        var addresses: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, nil, &addresses)
        guard code == 0 else { return String(cString: gai_strerror(code)) }
        freeaddrinfo(addresses)
        return nil
    }

    enum Outcome: Equatable {
        case found
        /// In the resolver's words.
        case failed(String)
        /// No answer has come yet.
        case late
    }

    private final class Question: Sendable {
        /// Signalled once, and stays so for all who wait.
        let wake: Wake
        /// What went wrong. Written by the thread that looks up, before it signals.
        let fault = Lock<String?>(nil)

        init() throws(SystemCallError) { wake = try Wake() }
    }

    private let lookUp: @Sendable (String) -> String?
    // Written by whoever asks and by the threads that look up, under the lock.
    private let pending = Lock<[String: Question]>([:])

    /// `lookUp` blocks until the name is found (nil) or not (why).
    init(lookUp: @escaping @Sendable (String) -> String?) {
        self.lookUp = lookUp
    }

    /// Blocks for at most `budget`; not from a task.
    func resolve(_ host: String, within budget: Duration) throws(SystemCallError) -> Outcome {
        let fresh = try Question()
        let question = pending.withLock { pending in
            if let question = pending[host] { return question }
            pending[host] = fresh
            return fresh
        }
        if question === fresh {
            do throws(SystemCallError) {
                _ = try NativeThread(name: "name lookup", detached: true) { [self] in
                    finish(question, of: host, fault: lookUp(host))
                }
            } catch {
                finish(question, of: host, fault: error.description)
                throw error
            }
        }
        var descriptor = pollfd(fd: question.wake.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, Int32(clamping: budget.milliseconds)) > 0 else { return .late }
        return question.fault.withLock { $0.map { .failed($0) } ?? .found }
    }

    private func finish(_ question: Question, of host: String, fault: String?) {
        question.fault.withLock { $0 = fault }
        pending.withLock { $0[host] = nil }
        question.wake.signal()
    }
}
