import AMQP
import Clocks
import Concurrency
import Credentials
import JSON
import Jobs
import Ledger
import Messages
import Photos
import PipelineHarness
import Secrets
import SharedLedger

@testable import Pipeline

/// Some workers over one ledger and one cluster, on one clock, before one API. Each has a broker of its own, so that a
/// test knows which of them has a job.
final class ClusterStage: Sendable {
    /// One call, as the API saw it.
    struct Call: Equatable, Sendable {
        var worker: Int
        var account: String
        var began: Duration
        var ended: Duration?
    }

    struct Worker: Sendable {
        let broker: MiniBroker
        let photos: ScriptedPhotos
        let ledger: SharedMemoryLedger
        let cluster: MemoryCluster
        let pipeline: JobPipeline
        let running: Lock<Task<Void, Never>?>

        var holds: Set<HoldCause> { Set(pipeline.snapshot.holds.map(\.cause)) }
    }

    /// Who calls, for which account, and the how manieth call of all it is.
    typealias Script = @Sendable (_ worker: Int, _ account: String, _ number: Int, ManualClock) async -> Answer

    let clock: ManualClock
    let jobs = SharedJobs()
    let cluster: SharedCluster
    let workers: [Worker]
    private let activity = Activity()
    private let calls: Lock<[Call]>

    /// `lostAfter`: a job that waits in another worker's broker is not lost.
    init(
        _ count: Int = 3, perDay: Int = 0, perSecond: Double = 0, pace: Pace = .asap,
        lostAfter: Duration = .seconds(86_400), script: @escaping Script
    ) {
        let clock = ManualClock(start: Harness.start, activity: activity, wakesOneByOne: true)
        let cluster = SharedCluster(over: jobs, clock: clock)
        let calls = Lock<[Call]>([])
        let (jobs, activity) = (self.jobs, self.activity)
        self.clock = clock
        self.cluster = cluster
        self.calls = calls
        workers = (0..<count).map { worker in
            let photos = ScriptedPhotos(activity: activity, albums: { _ in .album(joined: true) }) { call in
                let account = String(call.bearer.dropFirst("bearer-".count))
                let number = calls.withLock { calls in
                    calls.append(Call(worker: worker, account: account, began: Self.elapsed(clock)))
                    return calls.count - 1
                }
                let answer = await script(worker, account, number, clock)
                calls.withLock { $0[number].ended = Self.elapsed(clock) }
                return answer
            }
            let broker = MiniBroker(clock: clock, activity: activity, prefetch: 16)
            let ledger = SharedMemoryLedger(jobs, clock: clock)
            let member = cluster.join(ledger)
            let configuration = PipelineConfiguration(
                prefix: MiniBroker.prefix, concurrency: 4, perAccount: 1, requestsPerMinutePerAccount: 0,
                requestsPerSecond: perSecond, requestsPerDay: perDay, pace: pace, prefetch: 16,
                retryDelays: [.seconds(1), .seconds(2), .seconds(10), .seconds(60), .seconds(600)], maxAttempts: 5,
                maxAge: .seconds(86_400), assumeLeftAfterAmbiguous: false, replyToAllow: [],
                quotaDay: { _ in QuotaDay(name: "d", start: Harness.start, end: Harness.start + .seconds(86_400)) },
                lostAfter: lostAfter)
            return Worker(
                broker: broker, photos: photos, ledger: ledger, cluster: member,
                pipeline: JobPipeline(
                    configuration: configuration, inbox: broker, outbox: broker, queues: broker, ledger: ledger,
                    cluster: member, credentials: TokenPerAccount(), photos: photos, clock: clock,
                    executor: CountedExecutor(activity: activity)
                ) { _ in activity.note() }, running: Lock(nil))
        }
    }

    private struct TokenPerAccount: CredentialProvider {
        func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
            .token(AccessToken(secret: Secret(copying: Array("bearer-\(account.string)".utf8)), obtainedAt: nil))
        }
    }

    private static func elapsed(_ clock: ManualClock) -> Duration { clock.now() - MonotonicTime(nanoseconds: 0) }

    var elapsed: Duration { Self.elapsed(clock) }

    /// In the order of their beginnings.
    var allCalls: [Call] { calls.withLock { $0 } }

    var holding: [Set<HoldCause>] { workers.map(\.holds) }

    /// The jobs that have a result, each as often as it was published.
    var ended: [String] {
        workers.flatMap { $0.broker.messages("results").map { (try? JSONValue.parse($0.body))?["jobId"]?.text ?? "" } }
            .sorted()
    }

    var results: Int { workers.reduce(0) { $0 + $1.broker.count("results") } }

    func begin(_ which: Int? = nil) {
        for worker in which.map({ [workers[$0]] }) ?? workers {
            worker.broker.connect { worker.pipeline.receive($0) }
            worker.pipeline.consuming()
            worker.running.withLock { $0 = Task { await worker.pipeline.run() } }
        }
    }

    /// Jobs of an account each.
    func submit(_ names: String..., to worker: Int) {
        for name in names {
            workers[worker].broker.put(
                Array(#"{"jobId":"j-\#(name)","account":"\#(name)","shareToken":"t-\#(name)"}"#.utf8), into: "jobs")
        }
    }

    @discardableResult
    func advance(for limit: Duration = .seconds(600), until isSo: () -> Bool) async -> Bool {
        await clock.advance(for: limit, until: isSo)
    }

    /// What the worker answers an operator who waits for the others' word.
    func acknowledgement(at worker: Int, of name: String? = nil) async -> Acknowledgement? {
        let answer = Lock<Acknowledgement?>(nil)
        let (pipeline, clock) = (workers[worker].pipeline, self.clock)
        let asking = Task(executorPreference: CountedExecutor(activity: activity)) {
            let found = await pipeline.acknowledgement(of: name, until: clock.now() + .seconds(2))
            answer.withLock { $0 = found }
        }
        await advance(for: .seconds(10)) { answer.withLock { $0 } != nil }
        asking.cancel()
        return answer.withLock { $0 }
    }

    func pass(_ time: Duration) async { await advance(for: time) { false } }

    func end() async {
        for worker in workers { worker.pipeline.stop() }
        // What sleeps would sleep for ever.
        while let next = clock.nextWaking, workers.contains(where: { $0.pipeline.snapshot.callsInFlight > 0 }) {
            await activity.settle()
            clock.advance(to: next)
        }
        for worker in workers {
            await worker.running.withLock { $0 }?.value
            worker.broker.disconnect()
        }
    }
}
