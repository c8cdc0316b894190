import CLinux
import Glibc

/// SIGTERM, SIGINT and SIGHUP, taken by the main thread alone.
package enum Signals {
    package enum Event: Sendable {
        /// Stop taking work, finish or hand back what is in flight.
        case terminate
        case reload
    }

    /// Blocks the signals in this thread and so in all that it starts. First thing in `main`, before any thread.
    package static func block() {
        var set = watched
        pthread_sigmask(SIG_BLOCK, &set, nil)
        // A closed pipe or socket is an error where it is written, not the end of the daemon.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for signals for ever, on the main thread, and tells each. The process ends elsewhere, by `exit`.
    package static func watch(_ handler: (Event) -> Void) -> Never {
        var set = watched
        while true {
            var number: Int32 = 0
            guard sigwait(&set, &number) == 0 else { continue }
            handler(number == SIGHUP ? .reload : .terminate)
        }
    }

    private static var watched: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&set, number) }
        return set
    }
}
