import Glibc

extension LogFormat {
    /// The journal's where standard error is connected to it, else text on a terminal, else JSON.
    public static func automatic() -> LogFormat {
        var status = stat()
        let isKnown = fstat(STDERR_FILENO, &status) == 0
        return automatic(
            journalStream: getenv("JOURNAL_STREAM").map { String(cString: $0) },
            standardError: isKnown ? "\(status.st_dev):\(status.st_ino)" : nil,
            isTerminal: isatty(STDERR_FILENO) == 1)
    }

    /// `journalStream` is what systemd sets, `device:inode` of the stream it made; `standardError` is the same of
    /// where standard error goes now. A program that redirects it inherits the variable, but not the stream
    /// (systemd.exec(5), `$JOURNAL_STREAM`).
    static func automatic(journalStream: String?, standardError: String?, isTerminal: Bool) -> LogFormat {
        if let journalStream, journalStream == standardError { return .journal }
        return isTerminal ? .text : .json
    }
}
