import Clocks
import Concurrency
import Glibc

extension PostgresConnection {
    /// Most answers come sooner. Until then nothing that is posted wakes the thread, which could only lay it beside what
    /// waits already: under load that is each request, and costs more than to take all of them with the answer.
    private static var usualAnswer: Duration { .milliseconds(10) }

    /// Sends a batch and waits for its answer, for a thread with a mailbox: where it does not come soon, what is posted
    /// meanwhile is taken, and whoever asks whether the thread lives is answered.
    ///
    /// - Parameter take: what came, if anything did. Returns until when the answer is waited for, if that is sooner than
    ///   `timeout`; nil: as long as that.
    mutating func run<Message>(
        _ batch: PostgresBatch, within timeout: Duration, beside mailbox: MailboxOwner<Message>,
        _ take: ([Message]) -> MonotonicTime?
    ) throws(PostgresError) -> [PostgresRows] {
        try begin(batch, within: timeout)
        while Readiness.wait(for: descriptor, POLLIN, atMost: min(timeout, Self.usualAnswer)) {
            if let answer = try advance() { return try answer.rows() }
        }
        while true {
            if let answer = try advance() { return try answer.rows() }
            let wanted = take(mailbox.takeAll())
            let now = clock.now()
            if let wanted, wanted <= now { throw abandon("nobody waits for the answer any more") }
            let end = MonotonicTime.earliest(deadline, wanted) ?? now
            mailbox.wait(atMost: end - now, alsoReadable: [descriptor])
        }
    }
}
