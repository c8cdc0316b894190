import AMQP
import Clocks
import Concurrency
import Credentials
import HTTP
import Ledger
import Pipeline
import Settings
import Telemetry

extension WorkerDaemon {
    /// What is left of the drain time for results to be confirmed after calls were given up.
    private static let confirmShare = 5

    /// Time for the ledger's last lines, once the jobs have ended: for a disk or a database that is busy, not for one that
    /// is gone.
    private static let lastWrites = Duration.seconds(5)

    /// Links and ledger close in this time after the drain: closing is a request of two seconds each, and the ledger's
    /// last lines have five.
    private static let closingTime = Duration.seconds(15)

    /// Time in which a worker that waits for no other thread ends.
    private static let leavingTime = Duration.seconds(2)

    /// Tells the first signal at once, whatever the daemon waits for: a broker that does not answer holds it for some
    /// seconds more.
    func announceStop(_ front: DaemonInterface) async {
        guard await stop.wait() else { return }
        front.stops(within: front.settings.now.worker.drainTimeout + Self.closingTime + Self.lastSpans)
    }

    /// From the first signal to the last line.
    func end(_ parts: DaemonParts, _ front: DaemonInterface, _ work: Task<Void, Never>) async {
        logger.notice("stopping: taking no more jobs, finishing those in hand")
        let began = clock.now()
        let drainTime = front.settings.now.worker.drainTimeout
        parts.ledger.drain()
        parts.consuming.consume([])
        parts.pipeline.stop()
        let isDrained = await drain(work, within: drainTime, parts)
        await stop(parts.inStoppingOrder)
        let lost = await parts.ledger.close(within: Self.lastWrites)
        // At once, and again with what the last workers bring to a ledger that is closed: a kill may come between.
        var kept = await parts.outcomes?.keep() ?? 0
        await work.value
        kept = await parts.outcomes?.keep(besides: kept) ?? 0
        await endTracing(parts)
        if lost > kept {
            logger.error(
                "the ledger could not write its last lines: their jobs count as ambiguous when they come again, or their "
                    + "messages are published once more",
                LogField("lines", lost - kept))
        }
        logger.notice(
            isDrained ? "stopped" : "stopped; what was unfinished is the broker's again",
            LogField("after_s", .seconds((clock.now() - began).inSeconds)))
    }

    /// Waits for the jobs in flight, at most for the drain time, a second signal or what comes first. False if it gave
    /// up.
    private func drain(
        _ work: Task<Void, Never>, within whole: Duration, _ parts: DaemonParts
    ) async -> Bool {
        let (credentials, engine, publishing) = (parts.credentials, parts.engine, parts.publishing)
        let workEnded = AsyncSignal()
        // Either the work has ended, or it is not waited for any longer.
        let decided = AsyncSignal()
        Task {
            await work.value
            workEnded.signal()
            decided.signal()
        }
        let timer = Task {
            await clock.sleep(for: whole - whole / Self.confirmShare)
            guard !Task.isCancelled else { return }
            await credentials.stop()
            // What is on the wire is ambiguous now, and is recorded so.
            engine.abandon()
            await clock.sleep(for: whole / Self.confirmShare)
            guard !Task.isCancelled else { return }
            await stop([publishing])
            decided.signal()
        }
        let hurry = Task {
            guard await stop.wait(for: 2) else { return }
            logger.notice("told twice: not waiting any longer")
            await credentials.stop()
            engine.abandon()
            await stop([publishing])
            decided.signal()
        }
        await decided.wait()
        let isDrained = workEnded.isSignalled
        timer.cancel()
        hurry.cancel()
        // Calls and publishes were given up, so the workers end at once; but for those whose record the ledger cannot
        // commit: they wait for its end.
        if !isDrained { await workEnded.wait(until: clock.now() + Self.leavingTime, by: clock) }
        return isDrained
    }

    /// Stops them one after another. On a thread of its own, because each waits for its thread.
    private func stop(_ services: [any RunningService]) async {
        await offload { for service in services { service.stop() } }
    }

    /// Runs what joins a thread on a thread of its own, so that the pool is not blocked.
    func offload(_ body: @escaping @Sendable () -> Void) async {
        await NativeThread.offload("stop", body)
    }
}
