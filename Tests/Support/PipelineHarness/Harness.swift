package import AMQP
package import Clocks
import Concurrency
import Credentials
package import JSON
import Jobs
package import Photos
package import Pipeline
import Secrets
package import Tracing

/// The whole pipeline on a manual clock, between a broker in memory, a ledger and a scripted API.
package final class Harness: Sendable {
    package struct Options: Sendable {
        package var concurrency = 4
        package var perAccount = 1
        package var perMinute = 0
        package var perDay = 0
        package var pace = Pace.asap
        package var perSecond = 0.0
        package var delays: [Duration] = [
            .seconds(5), .seconds(30), .seconds(120), .seconds(600), .seconds(3600), .seconds(21_600),
        ]
        package var maxAttempts = 10
        package var maxAge = Duration.seconds(86_400)
        package var assumeLeft = false
        package var canary: String?
        package var replyToAllow: [String] = []
        package var prefetch = 64
        /// Accounts that have no token.
        package var strangers: Set<String> = []
        /// Nobody gets a token while this says so.
        package var isTokenServiceAway: @Sendable () -> Bool = { false }
        /// A provider that has no other token than the one that was refused.
        package var hasOneToken = false
        /// Accounts whose tokens cannot be had for now, whoever asks.
        package var withoutToken: @Sendable (String) -> Bool = { _ in false }
        /// What each token is waited for.
        package var tokenTakes = Duration.zero
        package var ledger = HarnessLedger.Kind.ofTheRun
        package var eventTypes: [String] = []
        package var progress = false
        /// Where spans go; nil: nobody wants any.
        package var spans: SpanRecorder?
        package var sampler = Sampler(.always, isParentBased: true)
        package var keepFailures = false
        /// The script asks somebody outside, and its answers are waited for before the clock moves.
        package var isReal = false

        package init() {}
    }

    /// 2026-11-23T12:00:00Z.
    package static let start = Timestamp(milliseconds: 1_795_435_200_000)

    package let clock: ManualClock
    package let activity = Activity()
    package let broker: MiniBroker
    package let photos: ScriptedPhotos
    package let ledger: WatchedLedger
    package let pipeline: JobPipeline
    private let reported: Lock<[PipelineEvent]>
    private let endLedger: @Sendable () async -> Void
    private let run: Lock<Task<Void, Never>?>

    /// `albums` answers the album queries; without them the API does not know the token.
    package init(
        _ options: Options = Options(),
        albums: @escaping @Sendable (ScriptedPhotos.Call) async -> Answer,
        _ script: @escaping @Sendable (ScriptedPhotos.Call) async -> Answer
    ) async throws {
        let clock = ManualClock(start: Self.start, activity: activity)
        self.clock = clock
        broker = MiniBroker(clock: clock, activity: activity, prefetch: options.prefetch)
        photos = ScriptedPhotos(activity: activity, isReal: options.isReal, albums: albums, script)
        let opened = try await HarnessLedger.open(options.ledger, clock)
        endLedger = opened.end
        ledger = WatchedLedger(opened, activity: activity, clock: clock)
        let reported = Lock<[PipelineEvent]>([])
        self.reported = reported
        run = Lock(nil)
        let activity = self.activity
        var configuration = PipelineConfiguration(
            prefix: MiniBroker.prefix, concurrency: options.concurrency, perAccount: options.perAccount,
            requestsPerMinutePerAccount: options.perMinute, requestsPerSecond: options.perSecond,
            requestsPerDay: options.perDay, pace: options.pace, prefetch: options.prefetch,
            retryDelays: options.delays, maxAttempts: options.maxAttempts, maxAge: options.maxAge,
            assumeLeftAfterAmbiguous: options.assumeLeft, replyToAllow: options.replyToAllow,
            quotaDay: { Self.day(of: $0) })
        configuration.canary = options.canary.map { AccountID($0) }
        configuration.eventTypes = options.eventTypes
        configuration.progress = options.progress
        (configuration.sampler, configuration.keepFailures) = (options.sampler, options.keepFailures)
        pipeline = JobPipeline(
            configuration: configuration, inbox: broker, outbox: broker, queues: broker, ledger: ledger,
            credentials: Tokens(
                strangers: options.strangers, isAway: options.isTokenServiceAway, withoutToken: options.withoutToken,
                hasOneToken: options.hasOneToken, takes: options.tokenTakes,
                clock: clock), photos: photos, clock: clock, executor: CountedExecutor(activity: activity),
            tracing: options.spans.map {
                DeliveryTracing(
                    sink: $0, api: .init(baseURL: "https://api.example", host: "api.example", port: 443), clock: clock,
                    places: $0.places)
            }
        ) { event in
            activity.note()
            reported.withLock { $0.append(event) }
        }
    }

    package convenience init(
        _ options: Options = Options(), _ script: @escaping @Sendable (ScriptedPhotos.Call) async -> Answer
    ) async throws {
        try await self.init(options, albums: { _ in .unknownToken }, script)
    }

    /// Days of UTC.
    private static func day(of time: Timestamp) -> QuotaDay {
        let number = time.milliseconds / 86_400_000
        return QuotaDay(
            name: "day\(number)", start: Timestamp(milliseconds: number * 86_400_000),
            end: Timestamp(milliseconds: (number + 1) * 86_400_000))
    }

    private struct Tokens: CredentialProvider {
        let strangers: Set<String>
        let isAway: @Sendable () -> Bool
        let withoutToken: @Sendable (String) -> Bool
        let hasOneToken: Bool
        let takes: Duration
        let clock: ManualClock

        func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
            if takes > .zero { await clock.sleep(for: takes) }
            if withoutToken(account.string) { return .unavailable("503", retryAfter: nil) }
            if isAway() { return .unavailable("it is away", retryAfter: nil) }
            if strangers.contains(account.string) { return .notFound }
            let suffix = rejected == nil || hasOneToken ? "" : "-again"
            return .token(
                AccessToken(
                    secret: Secret(copying: Array("bearer-\(account.string)\(suffix)".utf8)), obtainedAt: clock.now()))
        }
    }

    // MARK: Life

    package func begin() {
        broker.connect { [pipeline] in pipeline.receive($0) }
        pipeline.consuming()
        run.withLock { $0 = Task { [pipeline] in await pipeline.run() } }
    }

    /// An orderly stop; the broker takes back what is unsettled.
    package func end() async {
        pipeline.stop()
        let task = run.withLock { $0 }
        // What sleeps would sleep for ever.
        while let next = clock.nextWaking, task != nil {
            await activity.settle()
            clock.advance(to: next)
            if clock.now() - MonotonicTime(nanoseconds: 0) > .seconds(400 * 86_400) { break }
            if isIdle { break }
        }
        await task?.value
        broker.disconnect()
        await endLedger()
    }

    private var isIdle: Bool { pipeline.snapshot.callsInFlight == 0 }

    // MARK: Time

    /// Moves the clock from sleeper to sleeper until `isSo`, at most for `limit`. False if it never was.
    @discardableResult
    package func advance(for limit: Duration = .seconds(2 * 86_400), until isSo: () -> Bool) async -> Bool {
        await clock.advance(for: limit, until: isSo)
    }

    /// Lets so much time pass.
    package func pass(_ time: Duration) async {
        await advance(for: time) { false }
    }

    // MARK: Jobs

    package func submit(
        _ id: String, account: String = "ann", token: String? = nil, lane: String = "jobs", more: String = "",
        _ adjust: (inout Properties) -> Void = { _ in }
    ) {
        var properties = Properties()
        adjust(&properties)
        broker.put(
            Array(#"{"jobId":"\#(id)","account":"\#(account)","shareToken":"\#(token ?? "t-\(id)")"\#(more)}"#.utf8),
            into: lane, properties: properties)
    }

    package var events: [PipelineEvent] { reported.withLock { $0 } }

    package struct Read: Sendable {
        package var messageID: String
        package var isReplayed: Bool
        package var body: [UInt8]
        package var json: JSONValue

        package var outcome: String { json["outcome"]?.text ?? "" }
        package var reason: String? { json["reason"]?.text }
        package var effect: String { json["effect"]?.text ?? "" }
        package var attempts: Int { Int(json["attempts"]?.integer ?? -1) }
    }

    /// For waiting: `results` reads each of them.
    package var resultCount: Int { broker.count("results") }

    package var results: [Read] {
        broker.messages("results").map { message in
            Read(
                messageID: message.properties.messageID ?? "",
                isReplayed: message.properties.headers?["x-leave-album-replayed"] == .boolean(true),
                body: message.body, json: (try? JSONValue.parse(message.body)) ?? .null)
        }
    }

    /// The reasons of the dead letters.
    package var deadLetters: [String] {
        broker.messages("dead").map { message in
            guard case .string(let reason)? = message.properties.headers?["x-leave-album-reason"] else { return "-" }
            return String(decoding: reason, as: UTF8.self)
        }
    }
}
