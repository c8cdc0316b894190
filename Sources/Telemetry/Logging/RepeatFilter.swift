import Clocks
import Concurrency

/// Passes lines on through `Repetitions`, and wakes by itself only while a count is held back.
final class RepeatFilter: Sendable {
    private struct State {
        var repetitions = Repetitions()
        /// Whether a task sleeps until a window is over.
        var isArmed = false
    }

    private let clock: any TimeSource
    private let write: @Sendable (LogLine) -> Void
    private let state = Lock(State())

    init(clock: any TimeSource, write: @escaping @Sendable (LogLine) -> Void) {
        self.clock = clock
        self.write = write
    }

    func take(_ line: LogLine, isEvent: Bool) {
        let now = clock.now()
        let (lines, alarm) = state.withLock { state in
            (state.repetitions.take(line, isEvent: isEvent, at: now), Self.arm(&state))
        }
        notify(lines, alarm)
    }

    func flush() {
        let wall = clock.wall()
        let lines = state.withLock { $0.repetitions.closeAll(wall: wall) }
        lines.forEach(write)
    }

    private func wake() {
        let (now, wall) = (clock.now(), clock.wall())
        let (lines, alarm) = state.withLock { state in
            state.isArmed = false
            return (state.repetitions.close(until: now, wall: wall), Self.arm(&state))
        }
        notify(lines, alarm)
    }

    private static func arm(_ state: inout State) -> MonotonicTime? {
        guard !state.isArmed, let due = state.repetitions.dueAt else { return nil }
        state.isArmed = true
        return due
    }

    private func notify(_ lines: [LogLine], _ alarm: MonotonicTime?) {
        lines.forEach(write)
        guard let alarm else { return }
        Task.detached {
            await self.clock.sleep(until: alarm)
            self.wake()
        }
    }
}
