import CLinux
package import Clocks
package import Concurrency
package import Telemetry

/// The one voice to the service manager: a thread that sends every notification in order, feeds the watchdog while
/// every loop gives its token back, and keeps the status line true.
///
/// It does no work of the daemon's, so that whatever is stuck there cannot keep it from saying so; and it feeds nothing
/// on its own account: what it says of the others is what they answered.
package final class Watchdog: RunningService {
    enum Command: Sendable {
        case notify([Notification])
        case refresh
    }

    private let thread: MailboxThread<Command>

    /// Without a manager that watches, loops are still asked, for the status.
    package static let ordinaryTime = Duration.seconds(60)
    /// Four rounds to the manager's time: one lost token is not yet an alarm, and a stuck loop is seen in time.
    private static let rounds = 4

    /// `time`: the manager's watchdog time. `line` makes the status line and must not wait for anything.
    package init(
        _ liveness: LivenessMonitor, time: Duration, notifier: Notifier, clock: any TimeSource,
        line: @escaping @Sendable (_ silences: [LivenessRound.Silence]) -> String
    ) throws(SystemCallError) {
        thread = try MailboxThread(name: "watchdog") { mailbox in
            var loop = WatchdogLoop(
                mailbox: mailbox, liveness: liveness, interval: time / Self.rounds, notifier: notifier, clock: clock,
                line: line)
            loop.run()
        }
    }

    /// Sent after what was told before, with the status of now.
    package func notify(_ notifications: Notification...) {
        thread.post(.notify(notifications))
    }

    /// Something changed that the status line says.
    package func refresh() {
        thread.post(.refresh)
    }

    package func ping(_ answer: @escaping @Sendable () -> Void) { thread.ping(answer) }

    /// Sends what was told.
    package func stop() { thread.stop() }
}
