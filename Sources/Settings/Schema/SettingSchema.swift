/// Every key there is, in the order of the settings file.
///
/// A key takes effect at a restart unless its row says that a reload is enough: what connections, paths, names of
/// queues, the zone of the day and secrets that are read once are made of cannot change while they are in use.
enum SettingSchema {
    static let keys: [SettingKey] = broker + api + credentials + work + messages + trace + keeping

    private static let broker: [SettingKey] = [
        SettingKey(
            "broker.uris", \.broker.uris,
            .list(of: .brokerURI, count: SettingRange.uris, noun: "broker URIs")),
        SettingKey("broker.username", \.broker.username, .name("a user's name")),
        SettingKey(file: "broker.password_file", \.broker.passwordFile),
        SettingKey(
            "broker.heartbeat", \.broker.heartbeat, .duration(in: SettingRange.heartbeat, wholeSeconds: true)),
        SettingKey("broker.prefix", \.broker.prefix, .prefix),
        SettingKey("broker.topology", \.broker.topology, .choice),
        SettingKey("broker.prefetch", \.broker.prefetch, .integer(in: SettingRange.prefetch)),
        SettingKey("broker.confirm_timeout", \.broker.confirmTimeout, .duration(in: SettingRange.confirmTimeout)),
        SettingKey(
            "broker.reply_to_allow", \.broker.replyToAllow,
            .list(of: .replyToPattern, count: SettingRange.replyToPatterns, noun: "patterns"), takesEffect: .atReload),
        SettingKey(file: "broker.tls.ca_file", \.broker.tls.caFile),
        SettingKey(file: "broker.tls.cert_file", \.broker.tls.certFile),
        SettingKey(file: "broker.tls.key_file", \.broker.tls.keyFile),
        SettingKey("broker.operator.username", \.broker.operator.username, .name("a user's name")),
        SettingKey(file: "broker.operator.password_file", \.broker.operator.passwordFile),
    ]

    private static let api: [SettingKey] = [
        SettingKey("api.base_url", \.api.baseURL, .url(["https", "http"])),
        SettingKey("api.insecure", \.api.insecure, .boolean),
        SettingKey("api.connect_timeout", \.api.connectTimeout, .duration(in: SettingRange.connectTimeout)),
        SettingKey("api.timeout", \.api.timeout, .duration(in: SettingRange.timeout)),
        SettingKey(file: "api.ca_file", \.api.caFile),
        SettingKey("api.proxy", \.api.proxy, .url(["http", "https", "socks5", "socks5h"], mayHaveUser: true)),
        SettingKey("api.http2", \.api.http2, .boolean),
        SettingKey("api.max_response", \.api.maxResponse, .integer(in: SettingRange.maxResponse)),
        SettingKey("api.canary_account", \.api.canaryAccount, .account, takesEffect: .atReload),
    ]

    private static let credentials: [SettingKey] = [
        SettingKey(
            "credentials.providers", \.credentials.providers,
            .list(
                of: .choice, count: 1...DaemonSettings.Provider.allCases.count, noun: "providers",
                check: SettingForm<[DaemonSettings.Provider]>.duplicates)),
        SettingKey(file: "credentials.static.token_file", \.credentials.static.tokenFile),
        SettingKey("credentials.store.backend", \.credentials.store.backend, .choice),
        SettingKey("credentials.store.directory", \.credentials.store.directory, .absolutePath("a directory")),
        SettingKey("credentials.store.shared_directory", \.credentials.store.sharedDirectory, .boolean),
        SettingKey(file: "credentials.store.key_file", \.credentials.store.keyFile),
        SettingKey("credentials.store.client_id", \.credentials.store.clientID, .name("an OAuth client's id")),
        SettingKey(file: "credentials.store.client_secret_file", \.credentials.store.clientSecretFile),
        SettingKey("credentials.store.token_url", \.credentials.store.tokenURL, .url(["https", "http"])),
        SettingKey("credentials.broker.url", \.credentials.broker.url, .url(["https", "http", "unix"])),
        SettingKey(
            "credentials.exec.command", \.credentials.exec.command,
            .list(
                of: .name("a word", upTo: 4_096), count: 0...64, noun: "words, the first the program's absolute path",
                check: { arguments, values in
                    guard let program = arguments.first, !program.hasPrefix("/") else { return [] }
                    let problem = "\(tomlQuoted(program)) is not the absolute path of a program"
                    return [SettingError(position: values[0].position, problem: problem)]
                })),
    ]

    private static let work: [SettingKey] = [
        SettingKey("worker.concurrency", \.worker.concurrency, .integer(in: SettingRange.concurrency)),
        SettingKey(
            "worker.per_account", \.worker.perAccount, .integer(in: SettingRange.perAccount), takesEffect: .atReload),
        SettingKey(
            "worker.drain_timeout", \.worker.drainTimeout, .duration(in: SettingRange.drainTimeout),
            takesEffect: .atReload),
        SettingKey(
            "worker.assume_left_after_ambiguous", \.worker.assumeLeftAfterAmbiguous, .boolean, takesEffect: .atReload),
        SettingKey(
            "limits.requests_per_second", \.limits.requestsPerSecond,
            .number(in: SettingRange.requestsPerSecond, zeroMeans: "no limit"), takesEffect: .atReload),
        SettingKey(
            "limits.requests_per_minute_per_account", \.limits.requestsPerMinutePerAccount,
            .integer(in: SettingRange.requestsPerMinutePerAccount, zeroMeans: "no limit"), takesEffect: .atReload),
        SettingKey(
            "limits.requests_per_day", \.limits.requestsPerDay,
            .integer(in: SettingRange.requestsPerDay, zeroMeans: "no limit"), takesEffect: .atReload),
        SettingKey("limits.day_zone", \.limits.dayZone, .zone),
        SettingKey("limits.pace", \.limits.pace, .choice, takesEffect: .atReload),
        SettingKey(
            "retry.delays", \.retry.delays,
            .list(
                of: .duration(in: SettingRange.delay, wholeSeconds: true), count: SettingRange.delays,
                noun: "durations, each longer than the one before",
                check: { delays, values in
                    zip(delays.indices.dropFirst(), values.dropFirst()).compactMap { index, value in
                        guard delays[index] <= delays[index - 1] else { return nil }
                        let problem = """
                            "\(delays[index].settingText)" is not longer than "\(delays[index - 1].settingText)" before it
                            """
                        return SettingError(position: value.position, problem: problem)
                    }
                })),
        SettingKey(
            "retry.max_attempts", \.retry.maxAttempts, .integer(in: SettingRange.maxAttempts), takesEffect: .atReload),
        SettingKey("retry.max_age", \.retry.maxAge, .duration(in: SettingRange.maxAge), takesEffect: .atReload),
    ]

    private static let messages: [SettingKey] = [
        SettingKey(
            "messages.cloudevents", \.messages.cloudevents,
            .list(
                of: .name("a type of events", upTo: SettingRange.eventBytes), count: SettingRange.eventTypes,
                noun: "types of events"), takesEffect: .atReload),
        SettingKey("results.cloudevents", \.results.cloudevents, .choice, takesEffect: .atReload),
        SettingKey("results.progress", \.results.progress, .boolean, takesEffect: .atReload),
        SettingKey(
            "results.source", \.results.source, .name("an event's source", upTo: SettingRange.eventBytes),
            takesEffect: .atReload),
        SettingKey(
            "results.type", \.results.type, .name("an event's type", upTo: SettingRange.eventBytes),
            takesEffect: .atReload),
    ]

    private static let trace: [SettingKey] = [
        SettingKey("trace.endpoint", \.trace.endpoint, .url(["https", "http"])),
        SettingKey(file: "trace.headers_file", \.trace.headersFile),
        SettingKey("trace.sampler", \.trace.sampler, .choice, takesEffect: .atReload),
        SettingKey(
            "trace.ratio", \.trace.ratio, .number(in: SettingRange.ratio, zeroMeans: "none of them"),
            takesEffect: .atReload),
        SettingKey("trace.keep_failures", \.trace.keepFailures, .boolean, takesEffect: .atReload),
    ]

    private static let keeping: [SettingKey] = [
        SettingKey("ledger.path", \.ledger.path, .absolutePath("a file")),
        SettingKey("ledger.url", \.ledger.url, .postgresURL),
        SettingKey(file: "ledger.password_file", \.ledger.passwordFile),
        SettingKey(
            "ledger.instance", \.ledger.instance, .name("a daemon's name", upTo: SettingRange.instanceBytes)),
        SettingKey("ledger.send_window", \.ledger.sendWindow, .duration(in: SettingRange.sendWindow)),
        SettingKey("ledger.grace", \.ledger.grace, .duration(in: SettingRange.grace)),
        SettingKey("ledger.spool", \.ledger.spool, .absolutePath("a directory")),
        SettingKey("ledger.connections", \.ledger.connections, .integer(in: SettingRange.connections)),
        SettingKey("ledger.replication", \.ledger.replication, .choice),
        SettingKey("ledger.durability", \.ledger.durability, .choice),
        SettingKey(
            "ledger.retention", \.ledger.retention, .duration(in: SettingRange.retention), takesEffect: .atReload),
        SettingKey(file: "ledger.tls.ca_file", \.ledger.tls.caFile),
        SettingKey(file: "ledger.tls.cert_file", \.ledger.tls.certFile),
        SettingKey(file: "ledger.tls.key_file", \.ledger.tls.keyFile),
        SettingKey("admin.listen", \.admin.listen, .listenAddress),
        SettingKey("admin.page", \.admin.page, .boolean),
        SettingKey(
            "admin.control_socket", \.admin.controlSocket,
            .absolutePath("a socket", upTo: SettingRange.socketPathBytes)),
        SettingKey("log.level", \.log.level, .choice, takesEffect: .atReload),
        SettingKey("log.format", \.log.format, .choice),
        SettingKey("log.hash_accounts", \.log.hashAccounts, .boolean, takesEffect: .atReload),
    ]

    /// Those that mean nothing for a ledger that is a file.
    static let keysOfSharedLedger = [
        "ledger.password_file", "ledger.instance", "ledger.send_window", "ledger.grace", "ledger.spool",
        "ledger.connections", "ledger.replication", "ledger.tls.ca_file", "ledger.tls.cert_file", "ledger.tls.key_file",
        "credentials.store.shared_directory",
    ]

    /// What may stand below `path`: keys and tables.
    static func names(below path: [String]) -> [String] {
        var names: [String] = []
        for key in keys where key.path.count > path.count && key.path.starts(with: path) {
            let name = key.path[path.count]
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    static func isTable(_ path: [String]) -> Bool {
        keys.contains { $0.path.count > path.count && $0.path.starts(with: path) }
    }

    static func key(_ path: [String]) -> SettingKey? {
        keys.first { $0.path == path }
    }
}
