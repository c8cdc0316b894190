extension Settings {
    /// These settings with what of `loaded` can change while the daemon runs. The rest needs a restart: connections,
    /// paths, names of queues, the zone of the day, and every secret that is read once.
    public func adopting(_ loaded: Settings) -> Settings {
        var next = self
        next.broker.replyToAllow = loaded.broker.replyToAllow
        next.api.canaryAccount = loaded.api.canaryAccount
        next.worker.perAccount = loaded.worker.perAccount
        next.worker.drainTimeout = loaded.worker.drainTimeout
        next.worker.assumeLeftAfterAmbiguous = loaded.worker.assumeLeftAfterAmbiguous
        next.limits = loaded.limits
        next.limits.dayZone = limits.dayZone
        next.retry.maxAttempts = loaded.retry.maxAttempts
        next.retry.maxAge = loaded.retry.maxAge
        next.ledger.retention = loaded.ledger.retention
        next.log.level = loaded.log.level
        next.log.hashAccounts = loaded.log.hashAccounts
        next.warnings = loaded.warnings
        return next
    }

    /// The keys that differ, as the settings file names them, in its order.
    public func differences(from other: Settings) -> [String] {
        zip(effective, other.effective).compactMap { $0.value == $1.value ? nil : $0.key }
    }
}
