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

@testable import Pipeline

/// Two workers that share a ledger, a clock and the API. Each has a broker of its own: a delivery that is in both is one
/// that was given out again while the first still had it.
final class TwoWorkers: Sendable {
    struct Worker: Sendable {
        let broker: MiniBroker
        let photos: ScriptedPhotos
        let pipeline: JobPipeline
        let events: Lock<[PipelineEvent]>
        let running: Lock<Task<Void, Never>?>

        var stepsAside: [StepAside] {
            events.withLock { events in
                events.compactMap { if case .steppedAside(let copy) = $0 { copy.cause } else { nil } }
            }
        }

        var isFenced: Bool {
            events.withLock { events in events.contains { if case .fenced = $0 { true } else { false } } }
        }

        /// The jobs that have a result, in the order of these.
        var ended: [String] {
            broker.messages("results").map { (try? JSONValue.parse($0.body))?["jobId"]?.text ?? "" }
        }

        var results: [StoredBody] {
            broker.messages("results").map { message in
                StoredBody(
                    bytes: message.body,
                    isReplayed: message.properties.headers?["x-leave-album-replayed"] == .boolean(true))
            }
        }
    }

    struct StoredBody: Equatable, Sendable {
        var bytes: [UInt8]
        var isReplayed: Bool

        var outcome: String { text("outcome") }
        var reason: String { text("reason") }

        private func text(_ name: String) -> String { (try? JSONValue.parse(bytes))?[name]?.text ?? "" }
    }

    struct Options: Sendable {
        var concurrency = 2
        var perAccount = 1
        var perMinute = 0
        var assumesLeft = false
    }

    static let id = JobID("j")

    let clock: ManualClock
    let one: Worker
    let two: Worker
    private let ledger: WorkersLedger
    private let activity: Activity

    typealias Script = @Sendable (ScriptedPhotos.Call, ManualClock) async -> Answer

    /// `albums` answers the questions of both, `first` and `second` the calls of each.
    init(
        _ options: Options = Options(), albums: @escaping Script, first: @escaping Script,
        second: @escaping Script = { _, _ in .ok }
    ) async throws {
        let activity = Activity()
        let clock = ManualClock(start: Harness.start, activity: activity, wakesOneByOne: true)
        self.activity = activity
        self.clock = clock
        ledger = try await WorkersLedger.open(2, clock, activity)
        one = Self.worker(options, clock, activity, ledger.ledgers[0], albums: albums, first)
        two = Self.worker(options, clock, activity, ledger.ledgers[1], albums: albums, second)
    }

    private static func worker(
        _ options: Options, _ clock: ManualClock, _ activity: Activity, _ ledger: any JobLedger,
        albums: @escaping Script, _ script: @escaping Script
    ) -> Worker {
        let broker = MiniBroker(clock: clock, activity: activity, prefetch: 8)
        let photos = ScriptedPhotos(
            activity: activity, albums: { await albums($0, clock) }, { await script($0, clock) })
        let events = Lock<[PipelineEvent]>([])
        let configuration = PipelineConfiguration(
            prefix: MiniBroker.prefix, concurrency: options.concurrency, perAccount: options.perAccount,
            requestsPerMinutePerAccount: options.perMinute, requestsPerDay: 0,
            retryDelays: [.seconds(1), .seconds(2), .seconds(10)], maxAttempts: 5,
            maxAge: .seconds(86_400), assumeLeftAfterAmbiguous: options.assumesLeft, replyToAllow: [],
            quotaDay: { _ in QuotaDay(name: "d", start: Harness.start, end: Harness.start + .seconds(86_400)) })
        let pipeline = JobPipeline(
            configuration: configuration, inbox: broker, outbox: broker, queues: broker, ledger: ledger,
            credentials: OneToken(), photos: photos, clock: clock,
            executor: CountedExecutor(activity: activity)
        ) { event in
            activity.note()
            events.withLock { $0.append(event) }
        }
        return Worker(
            broker: broker, photos: photos, pipeline: pipeline, events: events, running: Lock(nil))
    }

    private struct OneToken: CredentialProvider {
        func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
            .token(AccessToken(secret: Secret(copying: account.utf8), obtainedAt: nil))
        }
    }

    func row(_ id: JobID = TwoWorkers.id) async throws -> LedgerRow? { try await ledger.row(id) }

    func slots(of account: AccountID) async throws -> [AccountSlot] { try await ledger.slots(of: account) }

    func begin() {
        for worker in [one, two] {
            worker.broker.connect { worker.pipeline.receive($0) }
            worker.pipeline.consuming()
            worker.running.withLock { $0 = Task { await worker.pipeline.run() } }
        }
    }

    func submit(_ id: String = "j", account: String = "ann", to worker: Worker) {
        worker.broker.put(
            Array(#"{"jobId":"\#(id)","account":"\#(account)","shareToken":"t"}"#.utf8), into: "jobs")
    }

    /// Moves the clock from sleeper to sleeper until `isSo`. False if it never was.
    @discardableResult
    func advance(for limit: Duration = .seconds(600), until isSo: () -> Bool) async -> Bool {
        await clock.advance(for: limit, until: isSo)
    }

    func pass(_ time: Duration) async {
        await advance(for: time) { false }
    }

    func end() async {
        let workers = [one, two]
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
        await ledger.end()
    }
}
