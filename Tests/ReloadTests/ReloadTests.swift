import Concurrency
import Credentials
import Messages
import PipelineHarness
import Secrets
import Telemetry
import Testing
import Tracing

@testable import Daemon
@testable import Jobs
@testable import Pipeline
@testable import Settings

/// What SIGHUP does for each key: it is in force where the daemon and its pipeline look, or it is named as one that
/// needs a restart.
@Suite struct ReloadTests {
    @Test("Every key of the schema has two values here, and no other key has")
    func everyKeyIsTried() {
        let keys = Set(SettingSchema.keys.map(\.name))
        let tried = Set(Self.values.keys)
        #expect(keys.subtracting(tried) == [], "give it two values among the written ones of Tests/ReloadTests")
        #expect(tried.subtracting(keys) == [])
    }

    @Test("A key that is changed alone is in force after a reload, or named", arguments: Self.values.keys.sorted())
    func changedAlone(key: String) async throws {
        let harness = try await Harness { _ in .unknownToken }
        let other = Self.excluded(by: key)
        let base = try Self.settings(changing: [], without: other)
        let loaded = try Self.settings(changing: [key], without: other)
        let daemon = try RunningDaemon(base, harness)
        let lines = await daemon.reload(loaded)
        // What is in force where the daemon was started with the changed settings.
        let restarted = try RunningDaemon(loaded, harness)
        let (before, after, wanted) = (try RunningDaemon(base, harness).inForce, daemon.inForce, restarted.inForce)

        if lines.contains("reloaded the settings changed=\(key)") {
            #expect(lines.count == 1, "\(lines)")
            #expect(after[key] != nil, "Tests/ReloadTests: `inForce` lacks where whoever decides by it looks")
            #expect(after[key] != before[key])
            #expect(after[key] == wanted[key])
            #expect(after.filter { $0.key != key } == before.filter { $0.key != key })
        } else {
            #expect(
                lines == [
                    "reloaded the settings changed=nothing",
                    "these settings differ and change only with a restart: \(key)",
                ])
            #expect(after == before)
        }
        await harness.end()
    }

    @Test("Two keys that exclude each other are refused by a reload, which names one")
    func excludedKeys() async throws {
        #expect {
            try Self.settings(changing: [], without: [])
        } throws: { error in
            (error as? SettingsFaults)?.faults.map(\.key) == ["ledger.url"]
        }
    }

    @Test("A reload of all keys at once names each key once")
    func changedTogether() async throws {
        let harness = try await Harness { _ in .unknownToken }
        let daemon = try RunningDaemon(try Self.settings(changing: []), harness)
        let loaded = try Self.settings(changing: Self.values.keys.sorted())
        let lines = await daemon.reload(loaded)
        let named = lines.flatMap { line in
            line.split { "=: ,".contains($0) }.map(String.init).filter { Self.values[$0] != nil }
        }
        #expect(named.sorted() == Self.values.keys.filter { $0 != Self.file }.sorted())
        #expect(daemon.inForce == (try RunningDaemon(loaded, harness)).inForce)
        await harness.end()
    }

    @Test("A reload before the pipeline is there is in force when it is")
    func beforeThePipeline() async throws {
        let harness = try await Harness { _ in .unknownToken }
        let daemon = try RunningDaemon(try Self.settings(changing: []), harness, connects: false)
        let loaded = try Self.settings(changing: ["limits.requests_per_day", "worker.per_account"])
        _ = await daemon.reload(loaded)
        daemon.connect()
        #expect(daemon.inForce["limits.requests_per_day"] == "5")
        #expect(daemon.inForce["worker.per_account"] == "2")
        await harness.end()
    }

    // MARK: The settings of the tests

    /// No settings have both.
    private static let file = "ledger.path"
    private static let database = "ledger.url"

    private static func excluded(by key: String) -> Set<String> { [key == file ? database : file] }

    /// Two values for each key, which each may have beside the first values of the others.
    private static let values: [String: (first: String, second: String)] = {
        var values = written
        for key in SettingSchema.keys where values[key.name] == nil {
            values[key.name] = key.write(DaemonSettings()).flatMap(twoValues)
        }
        return values
    }()

    /// The default of a switch, a number or a duration, and another value: the other one, or one more.
    private static func twoValues(_ first: String) -> (first: String, second: String)? {
        if let isOn = Bool(first) { return (first, "\(!isOn)") }
        guard let number = first.firstMatch(of: /^"?([0-9]+)(?:ms|s|m|h|d)?"?$/), let value = Int(number.output.1)
        else {
            return nil
        }
        return (first, first.replacing(number.output.1, with: "\(value + 1)", maxReplacements: 1))
    }

    /// Those that have no default of such a form, or need another one.
    private static let written: [String: (first: String, second: String)] = [
        "broker.uris": (#"["amqp://u:one@localhost"]"#, #"["amqp://u:two@localhost"]"#),
        "broker.username": (#""one""#, #""two""#),
        "broker.password_file": (#""/s/one""#, #""/s/two""#),
        "broker.prefix": (#""one""#, #""two""#),
        "broker.topology": (#""declare""#, #""none""#),
        "broker.prefetch": ("64", "65"),
        "broker.reply_to_allow": (#"["one"]"#, #"["two"]"#),
        "broker.tls.ca_file": (#""/s/one""#, #""/s/two""#),
        "broker.tls.cert_file": (#""/s/one""#, #""/s/two""#),
        "broker.tls.key_file": (#""/s/one""#, #""/s/two""#),
        "broker.operator.username": (#""one""#, #""two""#),
        "broker.operator.password_file": (#""/s/one""#, #""/s/two""#),
        "api.base_url": (#""https://one.example""#, #""https://two.example""#),
        "api.ca_file": (#""/s/one""#, #""/s/two""#),
        "api.proxy": (#""http://u:one@proxy""#, #""http://u:two@proxy""#),
        "api.canary_account": (#""one""#, #""two""#),
        "credentials.providers": (#"["static"]"#, #"["static", "exec"]"#),
        "credentials.static.token_file": (#""/s/one""#, #""/s/two""#),
        "credentials.store.backend": (#""directory""#, #""ledger""#),
        "credentials.store.directory": (#""/d/one""#, #""/d/two""#),
        "credentials.store.key_file": (#""/s/one""#, #""/s/two""#),
        "credentials.store.client_id": (#""one""#, #""two""#),
        "credentials.store.client_secret_file": (#""/s/one""#, #""/s/two""#),
        "credentials.store.token_url": (#""https://one.example""#, #""https://two.example""#),
        "credentials.broker.url": (#""https://one.example""#, #""https://two.example""#),
        "credentials.exec.command": (#"["/bin/one"]"#, #"["/bin/two"]"#),
        "limits.requests_per_day": ("9500", "5"),
        "limits.day_zone": (#""America/Los_Angeles""#, #""UTC""#),
        "limits.pace": (#""even""#, #""asap""#),
        "retry.delays": (#"["5s", "30s"]"#, #"["5s", "31s"]"#),
        "messages.cloudevents": (#"["one"]"#, #"["two"]"#),
        "results.cloudevents": (#""rabbitmq""#, #""amqp""#),
        "results.source": (#""/one""#, #""/two""#),
        "results.type": (#""one""#, #""two""#),
        "trace.endpoint": (#""http://one.example""#, #""http://two.example""#),
        "trace.headers_file": (#""/s/one""#, #""/s/two""#),
        "trace.sampler": (#""parentbased_traceidratio""#, #""traceidratio""#),
        "trace.ratio": ("1", "0.5"),
        "ledger.path": (#""/l/one""#, #""/l/two""#),
        "ledger.url": (#""postgresql://one/x""#, #""postgresql://two/x""#),
        "ledger.password_file": (#""/s/one""#, #""/s/two""#),
        "ledger.instance": (#""one""#, #""two""#),
        "ledger.spool": (#""/var/lib/one""#, #""/var/lib/two""#),
        "ledger.tls.ca_file": (#""/s/one""#, #""/s/two""#),
        "ledger.tls.cert_file": (#""/s/one""#, #""/s/two""#),
        "ledger.tls.key_file": (#""/s/one""#, #""/s/two""#),
        "ledger.durability": (#""full""#, #""normal""#),
        "ledger.replication": (#""auto""#, #""none""#),
        "ledger.connections": ("2", "3"),
        "admin.listen": (#""127.0.0.1:1""#, #""127.0.0.1:2""#),
        "admin.page": ("true", "false"),
        "admin.control_socket": (#""/r/one""#, #""/r/two""#),
        "log.level": (#""info""#, #""debug""#),
        "log.format": (#""text""#, #""json""#),
    ]

    private static func settings(
        changing keys: [String], without excluded: Set<String> = [file]
    ) throws -> DaemonSettings {
        let lines = values.filter { !excluded.contains($0.key) }
            .map { name, value in "\(name) = \(keys.contains(name) ? value.second : value.first)" }
        let text = lines.sorted().joined(separator: "\n")
        var settings = try DaemonSettings.load(text: Array(text.utf8), file: "t.toml", environment: [:])
        // They would be lines of the log beside those that are looked for.
        settings.warnings = []
        return settings
    }
}

/// As much of a daemon as a reload reaches.
private final class RunningDaemon {
    private let front: DaemonInterface
    private let pipeline: JobPipeline
    private let logger: Logger
    private let lines: Lock<[String]>

    init(_ settings: DaemonSettings, _ harness: Harness, connects: Bool = true) throws {
        let lines = Lock<[String]>([])
        self.lines = lines
        let control = LogControl(level: .info)
        settings.adjust(control)
        logger = Logger(control: control) { line in
            // Without the time and the level.
            let message = line.text(hashesAccounts: false).split(separator: " ").dropFirst(2)
            lines.withLock { $0.append(message.joined(separator: " ")) }
        }
        front = try DaemonInterface(LiveSettings(settings, log: control), logger: logger, clock: harness.clock)
        pipeline = JobPipeline(
            configuration: settings.pipeline, inbox: harness.broker, outbox: harness.broker, queues: harness.broker,
            ledger: harness.ledger, credentials: NoTokens(), photos: harness.photos, clock: harness.clock
        ) { _ in }
        if connects { connect() }
    }

    deinit { front.close() }

    func connect() { front.settings.connect(pipeline) }

    /// The lines of the log that a SIGHUP makes.
    func reload(_ loaded: DaemonSettings) async -> [String] {
        await Reloader(load: { () throws(SettingsFaults) in loaded }, front: front, logger: logger).reload()
        return lines.withLock { $0 }
    }

    /// What is in force, where whoever decides by it looks. A property of the pipeline's configuration or of the
    /// dispatcher's limits that is named as its key is found by that name.
    var inForce: [String: String] {
        let share = pipeline.budget.share
        let settings = front.settings.now
        let events = pipeline.live.resultEvents
        var inForce = [
            "api.canary_account": limits.canary?.string ?? "",
            "worker.drain_timeout": "\(settings.worker.drainTimeout)",
            "limits.requests_per_day": "\(share.limit)",
            "limits.pace": "\(share.pace)",
            "messages.cloudevents": "\(pipeline.live.eventTypes)",
            "results.cloudevents": "\(events.map { "\($0.binding)" } ?? "off")",
            "results.source": events?.source ?? "",
            "results.type": events?.type ?? "",
            "ledger.retention": "\(settings.ledger.retention)",
            "trace.sampler": "\(pipeline.live.now.sampler.isParentBased)",
            "trace.ratio": "\(pipeline.live.now.sampler.root)",
            "log.level": "\(logger.control.level)",
            "log.hash_accounts": "\(logger.control.hashesAccounts)",
        ]
        let properties = Self.properties(of: pipeline.live.now).merging(Self.properties(of: limits)) { $1 }
        for key in SettingSchema.keys where key.takesEffect == .atReload && inForce[key.name] == nil {
            inForce[key.name] = key.path.last.flatMap { properties[$0] }
        }
        return inForce
    }

    private var limits: Dispatch.Limits { pipeline.dispatcher.withDispatch { $0.limits } }

    /// By their names as keys have them: `maxAttempts` is `max_attempts`.
    private static func properties(of value: Any) -> [String: String] {
        let properties = Mirror(reflecting: value).children.compactMap { child in
            child.label.map { label in
                (label.replacing(/[A-Z]/) { "_" + $0.output.lowercased() }, "\(child.value)")
            }
        }
        return Dictionary(properties, uniquingKeysWith: { first, _ in first })
    }

    private struct NoTokens: CredentialProvider {
        func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer { .notFound }
    }
}
