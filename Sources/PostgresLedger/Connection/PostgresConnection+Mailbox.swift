import Clocks
import Concurrency

extension PostgresConnection {
    /// Sends a batch and waits for its answer, for a thread with a mailbox: what comes meanwhile is taken, and whoever
    /// asks whether the thread lives is answered.
    ///
    /// - Parameter take: what came, if anything did. False: the answer is not waited for any more.
    mutating func run<Message>(
        _ batch: PostgresBatch, within timeout: Duration, beside mailbox: MailboxOwner<Message>,
        _ take: ([Message]) -> Bool
    ) throws(PostgresError) -> [PostgresRows] {
        try begin(batch, within: timeout)
        while true {
            if let answer = try advance() { return try answer.rows() }
            guard take(mailbox.takeAll()) else { throw abandon("nobody waits for the answer any more") }
            let end = deadline ?? clock.now()
            mailbox.wait(atMost: end - clock.now(), alsoReadable: [descriptor])
        }
    }
}
