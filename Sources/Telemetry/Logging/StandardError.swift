import Glibc

/// Where lines go that no journal takes.
enum StandardError {
    /// One line in one write(2), so that lines of several threads do not mix.
    static func write(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        // A log that nobody can read is no reason to stop: what fails here has nowhere to be said.
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}
