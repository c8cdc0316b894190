import Threads

/// Writes lines to the journal, and to standard error while it cannot be reached.
final class JournalWriter: Sendable {
    private let send: @Sendable ([[UInt8]]) -> Int32
    private let writeError: @Sendable (String) -> Void
    // Set by whoever writes a line.
    private let isReachable = Lock(true)

    /// `send` gives 0 or errno; `writeError` gets a line without its end.
    init(
        send: @escaping @Sendable ([[UInt8]]) -> Int32 = { JournalSocket.send($0) },
        writeError: @escaping @Sendable (String) -> Void = { StandardError.write($0) }
    ) {
        self.send = send
        self.writeError = writeError
    }

    func write(_ line: LogLine, hashesAccounts: Bool, showsCode: Bool) {
        let code = send(line.journalFields(hashesAccounts: hashesAccounts))
        let wasReachable = isReachable.withLock { state in
            defer { state = code == 0 }
            return state
        }
        guard code != 0 else { return }
        // Said once, not beside every line; and again after it was there for a while.
        if wasReachable {
            let fault = SystemCallError("the journal cannot be reached, so lines go to standard error", code: code)
            writeError("<\(LogLevel.warning.priority)>\(fault)")
        }
        // The number in front is what systemd reads a line's priority from (sd-daemon(3)).
        writeError(
            "<\(line.level.priority)>\(line.text(hashesAccounts: hashesAccounts, showsCode: showsCode))")
    }
}
