import AMQP
import Clocks
import Concurrency
import Jobs
import Messages
import Pipeline
import Settings
import Telemetry
import Terminal

/// Two ledgers beside one broker would each remember half of the jobs, and call for one user twice. The broker shows it:
/// whoever works on a file has an exclusive queue, and whoever shares a ledger consumes the lanes without it.
struct OtherLedgerWatch: Sendable {
    let session: BrokerAdmin
    let queue: String
    let pipeline: JobPipeline
    let clock: any TimeSource

    /// The first look is soon after the start, since each of two that start at once may see nothing of the other yet.
    private static let firstRound = Duration.seconds(5)
    private static let interval = Duration.seconds(60)
    /// While it is seen. Whoever works on a file and is refused has the queue for less than that.
    private static let intervalWhileSeen = Duration.seconds(10)

    /// Until cancelled. Holds what shares a ledger for as long as somebody works on a file; seen once is not enough.
    func run() async {
        var seen = 0
        var wait = Self.firstRound
        while true {
            await clock.sleep(for: wait)
            guard !Task.isCancelled else { return }
            // A broker that does not answer says nothing of it, and its links say that.
            guard let isHeld = try? await session.isHeldByAnother(queue) else { continue }
            seen = isHeld ? seen + 1 : 0
            if seen > 1 { pipeline.otherLedger(WorkerDaemon.embeddedWorker(queue)) }
            if seen == 0 { pipeline.otherLedger(nil) }
            wait = isHeld ? Self.intervalWhileSeen : Self.interval
        }
    }
}

extension WorkerDaemon {
    fileprivate static func embeddedWorker(_ queue: String) -> String {
        "a daemon whose ledger is a file works on this broker: it holds queue \(queue). Two ledgers would each "
            + "remember half of the jobs, and call for the same user twice: stop that daemon, or give it the same "
            + "ledger.url"
    }

    /// Whoever shares a ledger does not begin beside a daemon that works on a file.
    func refuseEmbeddedWorker(_ session: BrokerAdmin, _ front: DaemonInterface) async throws(StartError) {
        let queue = settings.queueNames.worker
        let isHeld = await untilBrokerAnswers(front) { () throws(LinkError) in
            try await session.isHeldByAnother(queue)
        }
        guard isHeld == true else { return }
        throw StartError(description: Self.embeddedWorker(queue), status: .settingsWrong)
    }

    /// So long a connection that has ended may still count among the consumers.
    private static let endedConsumers = Duration.seconds(3)
    private static let pause = Duration.milliseconds(300)

    /// Whoever works on a file does not begin beside daemons that share a ledger: with the exclusive queue, nobody else
    /// who works on a file consumes. Before it consumes anything itself.
    func refuseSharedWorkers(
        _ session: BrokerAdmin, _ attached: AsyncSignal, _ front: DaemonInterface
    ) async throws(StartError) {
        await withTaskGroup(of: Void.self) { [stop] group in
            group.addTask { await attached.wait() }
            group.addTask { await stop.wait() }
            await group.next()
            group.cancelAll()
        }
        let names = settings.queueNames
        let lanes = Lane.allCases.map { names.queue($0) }
        let deadline = clock.now() + Self.endedConsumers
        while !stop.isSignalled {
            let found = await untilBrokerAnswers(front) { () throws(LinkError) in
                try await session.firstConsumed(of: lanes, besides: [])
            }
            guard let queue = found ?? nil else { return }
            guard clock.now() < deadline else {
                throw StartError(
                    description:
                        "others consume queue \(queue), and none of them works on a ledger that is a file, as this "
                        + "daemon does: two ledgers would each remember half of the jobs, and call for the same user "
                        + "twice. Stop the daemons that share a ledger, or give this one their ledger.url",
                    status: .settingsWrong)
            }
            await stop.wait(until: clock.now() + Self.pause, by: clock)
        }
    }
}

extension BrokerAdmin {
    /// Whether another connection has a queue to itself.
    /// https://www.rabbitmq.com/docs/queues#exclusive-queues
    fileprivate func isHeldByAnother(_ queue: String) async throws(LinkError) -> Bool {
        do throws(LinkError) {
            _ = try await inspect(queue: queue)
            return false
        } catch {
            guard case .channelClosed(405) = error.kind else { throw error }
            return true
        }
    }

    /// `own`: queues that the one that asks consumes, with one consumer each.
    func firstConsumed(of queues: [String], besides own: Set<String>) async throws(LinkError) -> String? {
        for queue in queues {
            let ownConsumers = own.contains(queue) ? 1 : 0
            if let found = try await inspect(queue: queue), found.consumers > ownConsumers { return queue }
        }
        return nil
    }
}
