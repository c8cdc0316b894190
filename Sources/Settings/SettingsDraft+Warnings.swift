import Threads

/// What is permitted but deserves a word at every start.
extension SettingsDraft {
    /// Of settings without a fault.
    ///
    /// - Parameter isReadableByOthers: the file's mode lets others than its owner read it.
    func warnings(isReadableByOthers: Bool) -> [String] {
        brokerWarnings(isReadableByOthers: isReadableByOthers) + networkWarnings + timeWarnings
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
        if broker.tls != Settings.TLS(), !broker.uris.contains(where: \.isTLS) {
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
