import Clocks
import Concurrency
import Glibc
import Telemetry
import Testing

@testable import Service

/// What the service manager hears, in order.
@Suite struct WatchdogTests {
    private final class Manager: Sendable {
        private struct Waiter {
            let text: String
            let resume: CheckedContinuation<Void, Never>
        }

        private struct State {
            var lines: [String] = []
            var waiters: [Waiter] = []
        }

        private let state = Lock(State())

        var lines: [String] { state.withLock { $0.lines } }

        func hear(_ text: String) {
            let due = state.withLock { state in
                state.lines += text.split(separator: "\n").map(String.init)
                let due = state.waiters.filter { state.lines.contains($0.text) }
                state.waiters.removeAll { state.lines.contains($0.text) }
                return due
            }
            due.forEach { $0.resume.resume() }
        }

        func heard(_ text: String) async {
            await withCheckedContinuation { waiter in
                let isThere = state.withLock { state in
                    if state.lines.contains(text) { return true }
                    state.waiters.append(Waiter(text: text, resume: waiter))
                    return false
                }
                if isThere { waiter.resume() }
            }
        }
    }

    private func watchdog(
        _ manager: Manager, _ liveness: LivenessMonitor, time: Duration,
        line: @escaping @Sendable ([LivenessRound.Silence]) -> String = { $0.isEmpty ? "fine" : "stuck: \($0[0].loop)" }
    ) throws -> Watchdog {
        try Watchdog(
            liveness, time: time, notifier: Notifier { manager.hear($0) }, clock: SystemTimeSource(), line: line)
    }

    @Test func readyComesWithTheStatusOfThen() async throws {
        let manager = Manager()
        let watchdog = try watchdog(manager, LivenessMonitor(clock: SystemTimeSource()), time: .seconds(3_600))
        watchdog.notify(.ready)
        await manager.heard("READY=1")
        watchdog.stop()
        let reported = try #require(manager.lines.firstIndex(of: "READY=1"))
        #expect(manager.lines[reported + 1] == "STATUS=fine")
    }

    @Test func itIsFedWhileEveryLoopAnswers() async throws {
        let manager = Manager()
        let liveness = LivenessMonitor(clock: SystemTimeSource())
        let rounds = Lock(0)
        liveness.watch("a") { answer in
            rounds.withLock { $0 += 1 }
            answer()
        }
        let watchdog = try watchdog(manager, liveness, time: .milliseconds(40))
        while rounds.withLock({ $0 }) < 5 { await Task.yield() }
        watchdog.stop()
        #expect(manager.lines.filter { $0 == "WATCHDOG=1" }.count >= 5)
        #expect(!manager.lines.contains { $0.contains("stuck") })
    }

    @Test func aLoopThatKeepsItsTokenStarvesIt() async throws {
        let manager = Manager()
        let liveness = LivenessMonitor(clock: SystemTimeSource())
        let kept = Lock<(@Sendable () -> Void)?>(nil)
        liveness.watch("b") { answer in kept.withLock { $0 = answer } }
        let watchdog = try watchdog(manager, liveness, time: .milliseconds(40))
        await manager.heard("STATUS=stuck: b")
        let fed = manager.lines.filter { $0 == "WATCHDOG=1" }.count
        #expect(fed <= 2, "what comes before its silence is a whole round")
        // It comes round again: the food and the status come back.
        let before = manager.lines.count
        let giveBack = try #require(kept.withLock { $0 })
        giveBack()
        while !manager.lines.dropFirst(before).contains("WATCHDOG=1") { await Task.yield() }
        watchdog.stop()
        #expect(manager.lines.dropFirst(before).contains("STATUS=fine"))
    }

    @Test func aStartThatTakesLongIsExtendedUntilReady() async throws {
        let manager = Manager()
        let watchdog = try watchdog(manager, LivenessMonitor(clock: SystemTimeSource()), time: .milliseconds(40))
        await manager.heard("EXTEND_TIMEOUT_USEC=40000")
        watchdog.notify(.ready)
        await manager.heard("READY=1")
        let ready = manager.lines.count
        while manager.lines.dropFirst(ready).filter({ $0 == "WATCHDOG=1" }).count < 3 { await Task.yield() }
        watchdog.stop()
        #expect(!manager.lines.dropFirst(ready).contains { $0.hasPrefix("EXTEND") })
    }

    @Test func aStatusThatDidNotChangeIsNotSentAgain() async throws {
        let manager = Manager()
        let line = Lock("one")
        let watchdog = try watchdog(
            manager, LivenessMonitor(clock: SystemTimeSource()), time: .seconds(3_600)
        ) { _ in line.withLock { $0 } }
        await manager.heard("STATUS=one")
        watchdog.refresh()
        line.withLock { $0 = "two" }
        watchdog.refresh()
        await manager.heard("STATUS=two")
        watchdog.stop()
        #expect(manager.lines.filter { $0.hasPrefix("STATUS") } == ["STATUS=one", "STATUS=two"])
    }

    @Test func whatIsNotifiedBeforeTheEndIsSent() throws {
        let manager = Manager()
        let watchdog = try watchdog(manager, LivenessMonitor(clock: SystemTimeSource()), time: .seconds(3_600))
        watchdog.notify(.status("the last word"))
        watchdog.stop()
        #expect(manager.lines.last == "STATUS=the last word")
    }

    /// Whoever is kept from its round for longer than a round lasts is late, and goes on.
    @Test func aRoundThatLastsLongerThanItsIntervalIsNotTheLast() async throws {
        let manager = Manager()
        let delays = Lock(3)
        let watchdog = try watchdog(manager, LivenessMonitor(clock: SystemTimeSource()), time: .milliseconds(40)) { _ in
            let isSlow = delays.withLock { delays in
                delays -= 1
                return delays >= 0
            }
            if isSlow { usleep(60_000) }
            return "slow"
        }
        while manager.lines.filter({ $0 == "WATCHDOG=1" }).count < 6 { await Task.yield() }
        watchdog.stop()
    }

    @Test func aNotificationIsOneLineWhateverIsInIt() {
        #expect(Notification.status("a\nREADY=1\u{7}b").text == "STATUS=a READY=1 b")
        #expect(Notification.status(String(repeating: "x", count: 5_000)).text.utf8.count < 500)
        #expect(Notification.reloading(monotonicMicroseconds: 12).text == "RELOADING=1\nMONOTONIC_USEC=12")
        #expect(Notification.extendTimeout(.milliseconds(1_500)).text == "EXTEND_TIMEOUT_USEC=1500000")
        #expect(Notifier.monotonicMicroseconds > 0)
    }
}
