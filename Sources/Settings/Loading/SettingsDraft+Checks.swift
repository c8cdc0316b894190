import Clocks
import Secrets

/// What no key can know alone.
extension SettingsDraft {
    mutating func check() {
        checkBroker()
        checkAPI()
        checkCredentials()
        checkTimes()
        checkKeeping()
    }

    private mutating func checkBroker() {
        let broker = settings.broker
        if !isSet("broker.uris") {
            fault(
                "broker.uris", "it is missing",
                allowed: "an array of URIs, such as [\"amqp://localhost\"] or [\"amqps://broker.example/vhost\"]")
        }
        if areSound("broker.tls.cert_file", "broker.tls.key_file"),
            (broker.tls.certFile == nil) != (broker.tls.keyFile == nil)
        {
            let (set, missing) = broker.tls.certFile == nil ? ("key_file", "cert_file") : ("cert_file", "key_file")
            fault("broker.tls.\(set)", "it is set without broker.tls.\(missing)", allowed: "both or neither")
        }
        if areSound("broker.operator.username", "broker.operator.password_file"),
            (broker.operator.username == nil) != (broker.operator.passwordFile == nil)
        {
            let (set, missing) =
                broker.operator.username == nil ? ("password_file", "username") : ("username", "password_file")
            fault("broker.operator.\(set)", "it is set without broker.operator.\(missing)", allowed: "both or neither")
        }
        if areSound("broker.username"), broker.passwordFile != nil, broker.username == nil,
            broker.uris.contains(where: { $0.username == nil })
        {
            fault("broker.password_file", "neither broker.username nor every URI says whose password it is")
        }
    }

    private mutating func checkAPI() {
        let api = settings.api
        if areSound("api.insecure"), !api.insecure, Self.isExposed(api.baseURL) {
            fault(
                "api.base_url", "plain http would show tokens to the network",
                allowed: "https, http to this machine, or api.insecure = true")
        }
        if areSound("api.connect_timeout", "api.timeout"), api.connectTimeout > api.timeout {
            fault(
                "api.connect_timeout", "it is longer than api.timeout (\(api.timeout.settingText)), which includes it")
        }
    }

    /// Plain HTTP to a host that is not this machine.
    static func isExposed(_ url: String) -> Bool {
        guard let parts = try? URIParts(url), parts.scheme == "http" else { return false }
        return !NumericAddress.isThisMachine(parts.host)
    }

    private mutating func checkCredentials() {
        let credentials = settings.credentials
        for (key, url) in [
            ("credentials.store.token_url", credentials.store.tokenURL),
            ("credentials.broker.url", credentials.broker.url ?? ""),
        ] where Self.isExposed(url) {
            fault(key, "plain http would show tokens to the network", allowed: "https, or http to this machine")
        }
        if areSound("credentials.store.backend"), credentials.store.backend == .ledger, !isSet("ledger.url") {
            fault(
                "credentials.store.backend",
                "it is \"ledger\", and ledger.url is not set: a ledger that is a file has no grants",
                allowed: "\"directory\", or a ledger.url")
        }
        guard areSound("credentials.providers") else { return }
        if credentials.providers.contains(.static), credentials.static.tokenFile == nil,
            !isSet("credentials.static.token_file")
        {
            fault("credentials.static.token_file", "it is missing, and credentials.providers has \"static\"")
        }
        if credentials.providers.contains(.store), credentials.store.keyFile == nil,
            !isSet("credentials.store.key_file")
        {
            fault("credentials.store.key_file", "it is missing, and credentials.providers has \"store\"")
        }
        if credentials.providers.contains(.broker), credentials.broker.url == nil, !isSet("credentials.broker.url") {
            fault("credentials.broker.url", "it is missing, and credentials.providers has \"broker\"")
        }
        if credentials.providers.contains(.exec), credentials.exec.command.isEmpty,
            !isSet("credentials.exec.command")
        {
            fault("credentials.exec.command", "it is missing, and credentials.providers has \"exec\"")
        }
    }

    private mutating func checkTimes() {
        // A copy that comes back from the longest delay must still find its job's row, or it would be called again.
        let longestDelay = settings.retry.delays.max() ?? .zero
        if areSound("retry.delays", "ledger.retention"), settings.ledger.retention < longestDelay + Self.returnMargin {
            fault(
                "ledger.retention",
                "it is too short: a copy that waits out the longest of retry.delays would find its job forgotten",
                allowed: "at least \"\((longestDelay + Self.returnMargin).settingText)\" with these delays")
        }
    }

    /// How late a copy may come out of its delay: queues drain and worker restarts take minutes, not hours.
    private static let returnMargin = Duration.seconds(3_600)

    private mutating func checkKeeping() {
        let ledger = settings.ledger
        if isSet("ledger.url"), isSet("ledger.path") {
            fault("ledger.url", "ledger.path is set too", allowed: "a database or a file, and one of them")
        }
        if areSound("ledger.tls.cert_file", "ledger.tls.key_file"),
            (ledger.tls.certFile == nil) != (ledger.tls.keyFile == nil)
        {
            let (set, missing) = ledger.tls.certFile == nil ? ("key_file", "cert_file") : ("cert_file", "key_file")
            fault("ledger.tls.\(set)", "it is set without ledger.tls.\(missing)", allowed: "both or neither")
        }
        let lease = ledger.sendWindow + settings.api.timeout + ledger.grace
        if ledger.url != nil, areSound("ledger.send_window", "ledger.grace", "api.timeout"),
            lease > SettingRange.longestLease
        {
            let longest = SettingRange.longestLease.settingText
            fault(
                "ledger.send_window",
                "with api.timeout (\(settings.api.timeout.settingText)) and ledger.grace (\(ledger.grace.settingText)) "
                    + "it is \(lease.settingText): for so long nobody else takes a dead worker's jobs over",
                allowed: "all three together at most \"\(longest)\"")
        }
    }
}

/// What is permitted but deserves a word at every start.
extension SettingsDraft {
    /// Of settings without a fault.
    ///
    /// - Parameter isReadableByOthers: the file's mode lets others than its owner read it.
    func warnings(isReadableByOthers: Bool) -> [String] {
        brokerWarnings(isReadableByOthers: isReadableByOthers) + networkWarnings + timeWarnings + ledgerWarnings
            + grantWarnings + traceWarnings
    }

    private func brokerWarnings(isReadableByOthers: Bool) -> [String] {
        let broker = settings.broker
        var warnings: [String] = []
        if broker.uris.contains(where: { $0.password != nil }) {
            let exposure = isReadableByOthers ? ", and others may read \(file)" : ""
            warnings.append("broker.uris holds a password\(exposure); put it into broker.password_file")
        }
        if let open = broker.uris.first(where: { !$0.isTLS && !NumericAddress.isThisMachine($0.host) }) {
            warnings.append(
                "broker.uris: \(open) is not amqps: its password and all jobs' share tokens cross the network in clear")
        }
        if broker.tls != DaemonSettings.TLS(), !broker.uris.contains(where: \.isTLS) {
            warnings.append("[broker.tls] is set, but no URI of broker.uris is amqps, so nothing uses it")
        }
        for pattern in broker.replyToAllow
        where pattern.hasSuffix("*") && broker.prefix.hasPrefix(pattern.dropLast()) {
            warnings.append(
                "broker.reply_to_allow: \(tomlQuoted(pattern)) includes this daemon's own queues, so that a publisher "
                    + "can have results written into them")
        }
        return warnings
    }

    private var networkWarnings: [String] {
        var warnings: [String] = []
        if Self.isExposed(settings.api.baseURL) {
            warnings.append(
                "api.insecure: access tokens and share tokens cross the network in clear to \(settings.api.baseURL)")
        }
        if !settings.admin.listen.isLoopback {
            warnings.append(
                "admin.listen: \(settings.admin.listen) answers everybody who reaches it, without a login")
        }
        return warnings
    }

    private var grantWarnings: [String] {
        guard settings.credentials.store.backend == .ledger, isSet("credentials.store.shared_directory") else {
            return []
        }
        return ["credentials.store.shared_directory is set, but the grants are in the ledger, so nothing uses it"]
    }

    private var ledgerWarnings: [String] {
        guard settings.ledger.url == nil else { return [] }
        let shared = SettingSchema.keysOfSharedLedger.filter(isSet)
        guard let first = shared.first else { return [] }
        return ["\(first) is set, but ledger.url is not, so nothing uses it"]
    }

    private var timeWarnings: [String] {
        var warnings: [String] = []
        if let longest = settings.retry.delays.last, longest > settings.retry.maxAge {
            warnings.append(
                "retry.max_age (\(settings.retry.maxAge.settingText)) is shorter than the longest of retry.delays "
                    + "(\(longest.settingText)): a job that waits so long fails without another call")
        }
        if settings.worker.drainTimeout < settings.api.timeout {
            warnings.append(
                "worker.drain_timeout (\(settings.worker.drainTimeout.settingText)) is shorter than api.timeout "
                    + "(\(settings.api.timeout.settingText)): a stop may cut calls off, whose jobs are then ambiguous")
        }
        return warnings
    }
}
