import Testing

@testable import Settings

@Suite struct ShowingTests {
    private func value(_ key: String, of settings: DaemonSettings) -> EffectiveSetting? {
        settings.effective.first { $0.key == key }
    }

    @Test func effectiveSettingsMaskEveryPassword() throws {
        let settings = try Loading.settings(
            "[api]\nproxy = \"http://u:hunter2@proxy\"\n",
            environment: ["LEAVE_ALBUMD_BROKER_URIS": #"["amqp://u:hunter2@localhost/v"]"#])
        #expect(!settings.effective.compactMap(\.value).joined().contains("hunter2"))
        #expect(value("broker.uris", of: settings)?.value == #"["amqp://u:***@localhost:5672/v"]"#)
        #expect(value("api.proxy", of: settings)?.value == #""http://u:***@proxy""#)
    }

    @Test func effectiveSettingsSayWhatIsDefault() throws {
        let settings = try Loading.settings("[worker]\nconcurrency = 4")
        #expect(
            value("worker.concurrency", of: settings)
                == EffectiveSetting(key: "worker.concurrency", value: "4", isDefault: false))
        #expect(
            value("broker.heartbeat", of: settings)
                == EffectiveSetting(key: "broker.heartbeat", value: "\"10s\"", isDefault: true))
        #expect(
            value("api.proxy", of: settings) == EffectiveSetting(key: "api.proxy", value: nil, isDefault: true))
        #expect(settings.effective.count == SettingSchema.keys.count)
    }

    @Test func ordinarySettingsWarnOfNothing() throws {
        #expect(try Loading.settings().warnings == [])
    }

    @Test func aSharedDirectoryBesideGrantsInTheLedgerIsSaidToBeUnused() throws {
        let warnings = try Loading.settings(
            "[ledger]\nurl = \"postgresql:///x\"\n[credentials.store]\nbackend = \"ledger\"\nshared_directory = true"
        ).warnings
        #expect(warnings.count == 1)
        #expect(warnings[0].contains("shared_directory") && warnings[0].contains("nothing uses it"))
    }

    @Test(arguments: [
        (#"broker.uris = ["amqp://u:hunter2@localhost"]"#, "broker.uris holds a password"),
        (#"broker.uris = ["amqp://broker.example"]"#, "cross the network in clear"),
        ("broker.uris = [\"amqp://localhost\"]\nbroker.tls.ca_file = \"/x\"", "nothing uses it"),
        (
            "broker.uris = [\"amqp://localhost\"]\nbroker.reply_to_allow = [\"leave*\"]",
            "includes this daemon's own queues"
        ),
        (
            "broker.uris = [\"amqp://localhost\"]\napi = {base_url = \"http://p.example\", insecure = true}",
            "api.insecure: "
        ),
        ("broker.uris = [\"amqp://localhost\"]\nledger.password_file = \"/p\"", "so nothing uses it"),
        ("broker.uris = [\"amqp://localhost\"]\nadmin.listen = \"0.0.0.0:1\"", "without a login"),
        ("broker.uris = [\"amqp://localhost\"]\nretry.max_age = \"1h\"", "shorter than the longest of retry.delays"),
        ("broker.uris = [\"amqp://localhost\"]\nworker.drain_timeout = \"5s\"", "shorter than api.timeout"),
    ])
    func whatIsRiskyIsSaidOnceWithoutSecrets(text: String, warning: String) throws {
        let whole = text + "\ncredentials = {providers = [\"static\"], static = {token_file = \"/t\"}}"
        let settings = try DaemonSettings.load(text: Array(whole.utf8), file: "t.toml", environment: [:])
        #expect(settings.warnings.map { $0.contains(warning) } == [true])
        #expect(!settings.warnings.joined().contains("hunter2"))
    }

    @Test func passwordsInAFileThatOthersReadAreSaidSo() throws {
        let text = Loading.required.replacing("amqp://", with: "amqp://u:p@")
        let settings = try DaemonSettings.load(
            text: Array(text.utf8), file: "t.toml", environment: [:], isReadableByOthers: true)
        #expect(settings.warnings.map { $0.contains("and others may read t.toml") } == [true])
    }
}
