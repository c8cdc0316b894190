import AMQP
import HTTP
import Settings
import Telemetry
import Threads

extension Daemon {
    /// What is left of the drain time for results to be confirmed after calls were given up.
    private static let confirmShare = 5

    /// Waits for the jobs in hand, at most for the drain time, a second signal or what comes first.
    func drain(_ work: Task<Void, Never>, engine: HTTPEngine, publishing: PublishingLink) async -> Bool {
        let whole = settings.worker.drainTimeout
        let finished = Finish()
        let watcher = Task {
            await work.value
            finished.signal(true)
        }
        let timer = Task {
            await clock.sleep(for: whole - whole / Self.confirmShare)
            guard !Task.isCancelled else { return }
            // What is on the wire is ambiguous now, and is recorded so.
            await offload { engine.stop() }
            await clock.sleep(for: whole / Self.confirmShare)
            guard !Task.isCancelled else { return }
            await offload { publishing.stop() }
            finished.signal(false)
        }
        let hurry = Task {
            await stop.wait(for: 2)
            logger.notice("told twice: not waiting any longer")
            await offload {
                engine.stop()
                publishing.stop()
            }
            finished.signal(false)
        }
        let isDrained = await finished.wait()
        timer.cancel()
        hurry.cancel()
        if !isDrained {
            // Calls and publishes were given up, so the workers end at once.
            _ = await watcher.value
        }
        return isDrained
    }

    /// Runs what joins a thread on a thread of its own, so that the pool is not blocked.
    func offload(_ body: @escaping @Sendable () -> Void) async {
        await NativeThread.offload("stop", body)
    }
}
