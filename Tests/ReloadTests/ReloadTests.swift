import Concurrency
import Credentials
import PipelineHarness
import Secrets
import Telemetry
import Testing

@testable import Daemon
@testable import Jobs
@testable import Pipeline
@testable import Settings

/// What SIGHUP does for each key: it is in force where the daemon and its pipeline look, or it is named as one that
/// needs a restart.
@Suite struct ReloadTests {
    @Test("Every key of the schema has two values here, and no other key has")
    func everyKeyIsTried() {
        #expect(Set(SettingSchema.keys.map(\.name)) == Set(Self.values.keys).union(Self.refused))
    }

    @Test("A key that is changed alone is in force after a reload, or named", arguments: Self.values.keys.sorted())
    func changedAlone(key: String) async throws {
        let harness = try Harness { _ in .unknownToken }
        let base = try Self.settings(changing: [])
        let loaded = try Self.settings(changing: [key])
        let daemon = try RunningDaemon(base, harness)
        let lines = await daemon.reload(loaded)
        // What is in force where the daemon was started with the changed settings.
        let restarted = try RunningDaemon(loaded, harness)
        let (before, after, wanted) = (try RunningDaemon(base, harness).inForce, daemon.inForce, restarted.inForce)

        if lines.contains("reloaded the settings changed=\(key)") {
            #expect(lines.count == 1, "\(lines)")
            #expect(after[key] != nil, "nothing here tells whether it is in force")
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

    @Test("A key that no settings may have is refused by a reload, which names it", arguments: Self.refused)
    func refusedKey(key: String) async throws {
        #expect { try Self.settings(changing: [], more: "\(key) = \"postgresql://db/x\"") } throws: { error in
            (error as? SettingsFaults)?.faults.map(\.key) == [key]
        }
    }

    @Test("A reload of all keys at once names each key once")
    func changedTogether() async throws {
        let harness = try Harness { _ in .unknownToken }
        let daemon = try RunningDaemon(try Self.settings(changing: []), harness)
        let loaded = try Self.settings(changing: Self.values.keys.sorted())
        let lines = await daemon.reload(loaded)
        let named = lines.flatMap { line in
            line.split { "=: ,".contains($0) }.map(String.init).filter { Self.values[$0] != nil }
        }
        #expect(named.sorted() == Self.values.keys.sorted())
        #expect(daemon.inForce == (try RunningDaemon(loaded, harness)).inForce)
        await harness.end()
    }

    @Test("A reload before the pipeline is there is in force when it is")
    func beforeThePipeline() async throws {
        let harness = try Harness { _ in .unknownToken }
        let daemon = try RunningDaemon(try Self.settings(changing: []), harness, connects: false)
        let loaded = try Self.settings(changing: ["limits.requests_per_day", "worker.per_account"])
        _ = await daemon.reload(loaded)
        daemon.connect()
        #expect(daemon.inForce["limits.requests_per_day"] == "5")
        #expect(daemon.inForce["worker.per_account"] == "2")
        await harness.end()
    }

    // MARK: The settings of the tests

    /// Of this version none may have it.
    private static let refused = ["ledger.url"]

    /// Two values for each key, which each may have beside the first values of the others.
    private static let values: [String: (first: String, second: String)] = [
        "broker.uris": (#"["amqp://u:one@localhost"]"#, #"["amqp://u:two@localhost"]"#),
        "broker.username": (#""one""#, #""two""#),
        "broker.password_file": (#""/s/one""#, #""/s/two""#),
        "broker.heartbeat": (#""10s""#, #""20s""#),
        "broker.prefix": (#""one""#, #""two""#),
        "broker.topology": (#""declare""#, #""none""#),
        "broker.prefetch": ("64", "65"),
        "broker.confirm_timeout": (#""30s""#, #""31s""#),
        "broker.reply_to_allow": (#"["one"]"#, #"["two"]"#),
        "broker.tls.ca_file": (#""/s/one""#, #""/s/two""#),
        "broker.tls.cert_file": (#""/s/one""#, #""/s/two""#),
        "broker.tls.key_file": (#""/s/one""#, #""/s/two""#),
        "broker.operator.username": (#""one""#, #""two""#),
        "broker.operator.password_file": (#""/s/one""#, #""/s/two""#),
        "api.base_url": (#""https://one.example""#, #""https://two.example""#),
        "api.insecure": ("false", "true"),
        "api.connect_timeout": (#""5s""#, #""6s""#),
        "api.timeout": (#""20s""#, #""21s""#),
        "api.ca_file": (#""/s/one""#, #""/s/two""#),
        "api.proxy": (#""http://u:one@proxy""#, #""http://u:two@proxy""#),
        "api.http2": ("true", "false"),
        "api.max_response": ("65536", "65537"),
        "api.canary_account": (#""one""#, #""two""#),
        "credentials.providers": (#"["static"]"#, #"["static", "exec"]"#),
        "credentials.static.token_file": (#""/s/one""#, #""/s/two""#),
        "credentials.store.directory": (#""/d/one""#, #""/d/two""#),
        "credentials.store.key_file": (#""/s/one""#, #""/s/two""#),
        "credentials.store.client_id": (#""one""#, #""two""#),
        "credentials.store.client_secret_file": (#""/s/one""#, #""/s/two""#),
        "credentials.store.token_url": (#""https://one.example""#, #""https://two.example""#),
        "credentials.broker.url": (#""https://one.example""#, #""https://two.example""#),
        "credentials.exec.command": (#"["/bin/one"]"#, #"["/bin/two"]"#),
        "worker.concurrency": ("32", "33"),
        "worker.per_account": ("1", "2"),
        "worker.drain_timeout": (#""30s""#, #""31s""#),
        "worker.assume_left_after_ambiguous": ("false", "true"),
        "limits.requests_per_second": ("0", "7"),
        "limits.requests_per_minute_per_account": ("30", "3"),
        "limits.requests_per_day": ("9500", "5"),
        "limits.day_zone": (#""America/Los_Angeles""#, #""UTC""#),
        "limits.pace": (#""even""#, #""asap""#),
        "retry.delays": (#"["5s", "30s"]"#, #"["5s", "31s"]"#),
        "retry.max_attempts": ("10", "11"),
        "retry.max_age": (#""24h""#, #""25h""#),
        "ledger.path": (#""/l/one""#, #""/l/two""#),
        "ledger.durability": (#""full""#, #""normal""#),
        "ledger.retention": (#""30d""#, #""31d""#),
        "admin.listen": (#""127.0.0.1:1""#, #""127.0.0.1:2""#),
        "admin.page": ("true", "false"),
        "admin.control_socket": (#""/r/one""#, #""/r/two""#),
        "log.level": (#""info""#, #""debug""#),
        "log.format": (#""text""#, #""json""#),
        "log.hash_accounts": ("false", "true"),
    ]

    private static func settings(changing keys: [String], more: String = "") throws -> DaemonSettings {
        let lines = values.map { name, value in "\(name) = \(keys.contains(name) ? value.second : value.first)" }
        let text = (lines.sorted() + [more]).joined(separator: "\n")
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

    /// What is in force, where whoever decides by it looks.
    var inForce: [String: String] {
        let limits = pipeline.dispatcher.withDispatch { $0.limits }
        let configuration = pipeline.live.now
        let share = pipeline.budget.share
        let settings = front.settings.now
        return [
            "broker.reply_to_allow": "\(configuration.replyToAllow)",
            "api.canary_account": limits.canary?.string ?? "",
            "worker.per_account": "\(limits.perAccount)",
            "worker.drain_timeout": "\(settings.worker.drainTimeout)",
            "worker.assume_left_after_ambiguous": "\(configuration.assumeLeftAfterAmbiguous)",
            "limits.requests_per_second": "\(limits.requestsPerSecond)",
            "limits.requests_per_minute_per_account": "\(limits.requestsPerMinutePerAccount)",
            "limits.requests_per_day": "\(share.limit)",
            "limits.pace": "\(share.pace)",
            "retry.max_attempts": "\(configuration.maxAttempts)",
            "retry.max_age": "\(configuration.maxAge)",
            "ledger.retention": "\(settings.ledger.retention)",
            "log.level": "\(logger.control.level)",
            "log.hash_accounts": "\(logger.control.hashesAccounts)",
        ]
    }

    private struct NoTokens: CredentialProvider {
        func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer { .notFound }
    }
}
