import Settings
import Testing

/// What a reload takes over, and what it leaves for a restart.
@Suite struct ReloadingTests {
    private func settings(_ text: String) throws -> Settings {
        try Settings.load(
            text: Array(
                ("[broker]\nuris = [\"amqp://localhost\"]\n[credentials]\nproviders = [\"exec\"]\n"
                    + "[credentials.exec]\ncommand = [\"/bin/true\"]\n" + text).utf8), file: "x.toml", environment: [:])
    }

    @Test(arguments: [
        ("worker.per_account", "[worker]\nper_account = 2"),
        ("worker.drain_timeout", "[worker]\ndrain_timeout = \"40s\""),
        ("worker.assume_left_after_ambiguous", "[worker]\nassume_left_after_ambiguous = true"),
        ("limits.requests_per_second", "[limits]\nrequests_per_second = 7"),
        ("limits.requests_per_minute_per_account", "[limits]\nrequests_per_minute_per_account = 3"),
        ("limits.requests_per_day", "[limits]\nrequests_per_day = 5"), ("limits.pace", "[limits]\npace = \"asap\""),
        ("retry.max_attempts", "[retry]\nmax_attempts = 3"), ("retry.max_age", "[retry]\nmax_age = \"2h\""),
        ("ledger.retention", "[ledger]\nretention = \"60d\""), ("log.level", "[log]\nlevel = \"debug\""),
        ("log.hash_accounts", "[log]\nhash_accounts = true"), ("api.canary_account", "[api]\ncanary_account = \"c\""),
    ])
    func isTakenOver(key: String, text: String) throws {
        let old = try settings("")
        let loaded = try settings(text)
        let next = old.adopting(loaded)
        #expect(next.differences(from: old) == [key])
        #expect(loaded.differences(from: next) == [])
    }

    @Test(arguments: [
        ("worker.concurrency", "[worker]\nconcurrency = 2"), ("limits.day_zone", "[limits]\nday_zone = \"UTC\""),
        ("retry.delays", "[retry]\ndelays = [\"5s\"]"), ("ledger.path", "[ledger]\npath = \"/tmp/x\""),
        ("ledger.durability", "[ledger]\ndurability = \"normal\""),
        ("admin.listen", "[admin]\nlisten = \"127.0.0.1:1\""),
        ("api.base_url", "[api]\nbase_url = \"https://other.example\""), ("api.timeout", "[api]\ntimeout = \"7s\""),
        ("log.format", "[log]\nformat = \"json\""),
    ])
    func needsARestart(key: String, text: String) throws {
        let old = try settings("")
        let loaded = try settings(text)
        let next = old.adopting(loaded)
        #expect(next.differences(from: old) == [])
        #expect(loaded.differences(from: next) == [key])
    }
}
