import CLinux
import Clocks
import Concurrency
import Telemetry

/// What the watchdog's thread does.
struct WatchdogLoop: ~Copyable {
    private let mailbox: MailboxOwner<Watchdog.Command>
    private let liveness: LivenessMonitor
    private let interval: Duration
    private let notifier: Notifier
    private let clock: any TimeSource
    private let line: @Sendable ([LivenessRound.Silence]) -> String
    private var nextRound: MonotonicTime
    private var isStarting = true
    private var lastStatus = ""

    init(
        mailbox: MailboxOwner<Watchdog.Command>, liveness: LivenessMonitor, interval: Duration, notifier: Notifier,
        clock: any TimeSource, line: @escaping @Sendable ([LivenessRound.Silence]) -> String
    ) {
        self.mailbox = mailbox
        self.liveness = liveness
        self.interval = interval
        self.notifier = notifier
        self.clock = clock
        self.line = line
        nextRound = clock.now()
    }

    mutating func run() {
        while !mailbox.isStopping {
            mailbox.drain { take($0) }
            guard !mailbox.isStopping else { break }
            let now = clock.now()
            if now >= nextRound {
                round()
                nextRound = now + interval
            }
            // A process that stood still is late for its round, and does not wait.
            mailbox.wait(atMost: nextRound - clock.now())
        }
        for case .notify(let notifications) in mailbox.close() { notifier.notify(notifications) }
    }

    private mutating func take(_ command: Watchdog.Command) {
        switch command {
        case .notify(let notifications):
            if notifications.contains(.ready) { isStarting = false }
            let hasStatus = notifications.contains { if case .status = $0 { true } else { false } }
            notifier.notify(notifications + (hasStatus ? [] : status(silences, always: true)))
        case .refresh: notifier.notify(status(silences, always: false))
        }
    }

    /// Loops that had a whole round for their token.
    private var silences: [LivenessRound.Silence] { liveness.silences(longerThan: interval) }

    private mutating func round() {
        let silences = self.silences
        var notifications: [Notification] = []
        if silences.isEmpty {
            notifications.append(.watchdog)
            // Opening a large ledger may take its time, as long as it is not stuck.
            if isStarting { notifications.append(.extendTimeout(interval * 4)) }
        }
        notifier.notify(notifications + status(silences, always: false))
        liveness.post()
    }

    private mutating func status(_ silences: [LivenessRound.Silence], always: Bool) -> [Notification] {
        let line = self.line(silences)
        guard always || line != lastStatus else { return [] }
        lastStatus = line
        return [.status(line)]
    }
}
