import Testing

@testable import Settings

/// What single keys and pairs of them permit.
@Suite struct SettingRuleTests {
    @Test(arguments: [
        "[broker.tls]\ncert_file = \"/c\"", "[broker.tls]\nkey_file = \"/k\"",
        "[broker.operator]\nusername = \"o\"", "[broker.operator]\npassword_file = \"/p\"",
        "[api]\nbase_url = \"http://photos.example\"", "[api]\nbase_url = \"ftp://photos.example\"",
        "[api]\nbase_url = \"https://user@photos.example\"", "[api]\nbase_url = \"https://photos.example/?a=b\"",
        "[api]\nbase_url = \"https://\"", "[api]\nbase_url = \"https://a b\"", "[api]\nproxy = \"ftp://proxy\"",
        "[api]\nconnect_timeout = \"21s\"", "[api]\nmax_response = 100", "[api]\ncanary_account = \"a\\nb\"",
        "[api]\ncanary_account = \"a\\u202Eb\"", "[worker]\nper_account = 9", "[worker]\nconcurrency = 32.0",
        "[limits]\nrequests_per_second = -1", "[limits]\nrequests_per_second = nan",
        "[limits]\nday_zone = \"Mars/Olympus\"", "[limits]\nday_zone = \"../zoneinfo/UTC\"",
        "[limits]\nday_zone = \"/usr/share/zoneinfo/UTC\"", "[limits]\nday_zone = \"America\"",
        "[limits]\nday_zone = \"zone.tab\"", "[retry]\ndelays = []", "[retry]\ndelays = [\"25h\"]",
        "[retry]\ndelays = [\"5s\", \"5s\"]", "[retry]\ndelays = [\"30s\", \"5s\"]", "[retry]\nmax_age = \"1s\"",
        "[ledger]\npath = \"ledger.sqlite3\"", "[ledger]\nurl = \"mysql://db/x\"",
        "[ledger]\npath = \"/l\"\nurl = \"postgresql://db/x\"", "[ledger]\nurl = \"postgresql://u:word@db/x\"",
        "[ledger]\nurl = \"postgresql://db/x?password=word\"", "[ledger]\nurl = \"postgresql://db/x?%70assword=word\"",
        "[ledger]\nurl = \"postgresql://db/x?a=b&sslpassword=word\"", "[ledger]\nurl = \"postgresql://u:@db/x\"",
        "[ledger]\nurl = \"postgresql://db/x\"\nsend_window = \"31s\"", "[ledger]\ninstance = \"a\\nb\"",
        "[ledger]\nurl = \"postgresql://db/x\"\ngrace = \"30s\"\nsend_window = \"11s\"",
        "[ledger.tls]\ncert_file = \"/c\"", "[ledger.tls]\nkey_file = \"/k\"",
        "[ledger]\nretention = \"6h\"", "[admin]\nlisten = \"localhost:9464\"", "[admin]\nlisten = \"::1:9464\"",
        "[admin]\nlisten = \"127.0.0.1:65536\"", "[log]\nlevel = \"INFO\"",
        "[credentials.store]\nbackend = \"ledger\"", "[credentials.store]\nbackend = \"database\"",
        "[credentials.store]\ntoken_url = \"http://tokens.example\"", "[credentials.exec]\ncommand = [\"token\"]",
    ])
    func refuses(more: String) {
        #expect(Loading.faults(more).count == 1)
    }

    @Test(arguments: [
        "[broker.tls]\ncert_file = \"/c\"\nkey_file = \"/k\"", "[api]\nbase_url = \"http://127.0.0.1:8080/photos\"",
        "[api]\nbase_url = \"http://[::1]:8080\"", "[api]\nbase_url = \"http://photos.example\"\ninsecure = true",
        "[api]\nproxy = \"socks5h://user:word@proxy:1080\"", "[limits]\nrequests_per_second = 0.5",
        "[limits]\nrequests_per_second = 20", "[limits]\nday_zone = \"Etc/GMT+8\"", "[retry]\ndelays = [\"24h\"]",
        "[retry]\ndelays = [\"1000ms\", \"2s\"]", "[ledger]\nretention = \"7h\"", "[admin]\nlisten = \"[::]:0\"",
        "[ledger]\nurl = \"postgresql://u@a,b:5433,[::1]/x?target_session_attrs=read-write\"",
        "[ledger]\nurl = \"postgresql:///x\"\ngrace = \"30s\"\nsend_window = \"10s\"",
        "[ledger]\ngrace = \"30s\"\nsend_window = \"30s\"",
        "[ledger]\nurl = \"postgresql:///x\"\n[credentials.store]\nbackend = \"ledger\"",
        "[ledger]\nurl = \"postgresql:///x\"\n[credentials.store]\nshared_directory = true",
        "[credentials.exec]\ncommand = [\"/bin/token\", \"--now\"]",
        "[credentials.broker]\nurl = \"unix:///run/tokens.sock\"",
    ])
    func permits(more: String) {
        #expect(Loading.faults(more) == [])
    }

    @Test(arguments: [
        ("250ms", Duration.milliseconds(250)), ("5s", .seconds(5)), ("2m", .seconds(120)), ("1h", .seconds(3_600)),
        ("30d", .seconds(2_592_000)), ("0s", .zero), ("007s", .seconds(7)),
    ])
    func readsDurations(text: String, duration: Duration) {
        #expect(Duration(settingText: text) == duration)
        #expect(Duration(settingText: duration.settingText) == duration)
    }

    @Test(arguments: ["", "5", "s", "5 s", "5S", "-5s", "+5s", "1.5s", "1h30m", "5s ", "٥s", "9999999999d", "5sec"])
    func refusesWhatIsNoDuration(text: String) {
        #expect(Duration(settingText: text) == nil)
    }

    @Test func everyProviderMustBeKnownCompleteAndThereOnce() {
        func faults(_ providers: String) -> [String] {
            Loading.faults("", environment: ["LEAVE_ALBUMD_CREDENTIALS_PROVIDERS": providers])
        }
        #expect(
            faults(#"["static", "store", "exec", "broker"]"#).map { $0.split(separator: ":").dropFirst().first ?? "" }
                == [" credentials.store.key_file", " credentials.broker.url", " credentials.exec.command"])
        #expect(faults(#"["static", "static"]"#).map { $0.contains("it is there twice") } == [true])
        #expect(faults(#"["vault"]"#).map { $0.contains("\"vault\" is not allowed") } == [true])
        #expect(faults("[]").map { $0.contains("it has 0 elements") } == [true])
    }

    @Test func theStaticProviderNeedsItsFile() {
        let text = "broker.uris = [\"amqp://localhost\"]\ncredentials.providers = [\"static\"]"
        #expect(
            Loading.faults(ofWhole: text) == [
                "t.toml: credentials.static.token_file: it is missing, and credentials.providers has \"static\""
            ])
    }

    @Test func aPasswordNeedsAUser() {
        let password = ["LEAVE_ALBUMD_BROKER_PASSWORD_FILE": "/p"]
        #expect(Loading.faults("", environment: password).count == 1)
        var environment = password
        environment["LEAVE_ALBUMD_BROKER_USERNAME"] = "u"
        #expect(Loading.faults("", environment: environment) == [])
        environment = password
        environment["LEAVE_ALBUMD_BROKER_URIS"] = #"["amqp://u@localhost"]"#
        #expect(Loading.faults("", environment: environment) == [])
    }

    @Test func prefetchFollowsConcurrencyUnlessItIsSet() throws {
        var settings = try Loading.settings()
        #expect(settings.prefetch == 64)
        settings.worker.concurrency = 1
        #expect(settings.prefetch == 16)
        settings.worker.concurrency = 1_024
        #expect(settings.prefetch == 2_000)
        settings.broker.prefetch = 3
        #expect(settings.prefetch == 3)
    }

    @Test func thePageIsShownOnLoopbackUnlessSaidOtherwise() {
        var admin = DaemonSettings.Admin()
        #expect(admin.showsPage)
        admin.listen = ListenAddress(host: "::", port: 1)
        #expect(!admin.showsPage)
        admin.page = true
        #expect(admin.showsPage)
    }

    @Test func trailingSlashesOfURLsAreDropped() throws {
        #expect(try Loading.settings("[api]\nbase_url = \"https://h/p//\"").api.baseURL == "https://h/p")
    }
}
