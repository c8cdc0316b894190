import CLinux
import Clocks
import Glibc

/// Looks names up, and does not wait longer for that than it is told.
///
/// getaddrinfo(3) knows no deadline: three name servers that do not answer hold it for half a minute, and a
/// connection's thread with it, which the watchdog would take for stuck. So it has a thread of its own, one for a name:
/// whoever asks while it is out waits for the same answer.
public final class NameLookup: Sendable {
    public static let system = NameLookup { host in
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else { return .failed(String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(list) }
        return .found(sequence(first: list) { $0?.pointee.ai_next }.compactMap { $0.flatMap(numericAddress) })
    }

    public enum Outcome: Equatable, Sendable {
        /// Its addresses as numbers, the one to be tried first in front.
        case found([String])
        /// In the resolver's words.
        case failed(String)
        /// No answer has come yet.
        case late
    }

    private final class Question: Sendable {
        /// Signalled once, and stays so for all who wait.
        let wake: Wake
        /// Late until the thread that looks up has written it, before it signals.
        let outcome = Lock(Outcome.late)

        init() throws(SystemCallError) { wake = try Wake() }
    }

    private let lookUp: @Sendable (String) -> Outcome
    // Written by whoever asks and by the threads that look up, under the lock.
    private let pending = Lock<[String: Question]>([:])

    /// `lookUp` blocks until the name is found or not.
    public init(lookUp: @escaping @Sendable (String) -> Outcome) {
        self.lookUp = lookUp
    }

    /// Blocks for at most `budget`; not from a task.
    public func resolve(_ host: String, within budget: Duration) throws(SystemCallError) -> Outcome {
        let fresh = try Question()
        let question = pending.withLock { pending in
            if let question = pending[host] { return question }
            pending[host] = fresh
            return fresh
        }
        if question === fresh {
            do throws(SystemCallError) {
                _ = try NativeThread(name: "name lookup", detached: true) { [self] in
                    finish(question, of: host, lookUp(host))
                }
            } catch {
                finish(question, of: host, .failed(error.description))
                throw error
            }
        }
        var descriptor = pollfd(fd: question.wake.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, Int32(clamping: budget.milliseconds)) > 0 else { return .late }
        return question.outcome.withLock { $0 }
    }

    private func finish(_ question: Question, of host: String, _ outcome: Outcome) {
        question.outcome.withLock { $0 = outcome }
        pending.withLock { $0[host] = nil }
        question.wake.signal()
    }
}

private func numericAddress(_ entry: UnsafeMutablePointer<addrinfo>) -> String? {
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let code = getnameinfo(
        entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
    guard code == 0 else { return nil }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
