import Testing

@testable import Settings

@Suite struct SettingsFaultTests {
    @Test func everyFaultIsReportedAtOnceInTheOrderOfTheFile() {
        let text = """
            [broker]
            heartbeet = "10s"
            heartbeat = 10
            topology = "create"
            [worker]
              concurrency = 0
            [workers]
            x = 1
            """
        #expect(
            Loading.faults(ofWhole: text, environment: ["LEAVE_ALBUMD_LOG_LEVLE": "info"]) == [
                "t.toml:2:1: broker.heartbeet: there is no such key; did you mean broker.heartbeat?",
                """
                t.toml:3:13: broker.heartbeat: it is an integer; allowed: a duration from "2s" to "1m" in whole seconds
                """,
                """
                t.toml:4:12: broker.topology: "create" is not allowed; allowed: one of "declare", "verify", "none"
                """,
                "t.toml:6:17: worker.concurrency: 0 is out of range; allowed: an integer from 1 to 1024",
                "t.toml:7:2: workers: there is no such table; did you mean worker?",
                """
                t.toml: broker.uris: it is missing; allowed: an array of URIs, such as ["amqp://localhost"] or \
                ["amqps://broker.example/vhost"]
                """,
                "t.toml: credentials.store.key_file: it is missing, and credentials.providers has \"store\"",
                "$LEAVE_ALBUMD_LOG_LEVLE: no key has this variable; did you mean $LEAVE_ALBUMD_LOG_LEVEL?",
            ])
    }

    @Test func aSyntaxErrorIsTheOnlyFaultOfItsFile() {
        let faults = Loading.faults(ofWhole: "[broker]\nuris = [\"amqp://h\"\nx = 1")
        #expect(faults.count == 1)
        #expect(faults.first?.hasPrefix("t.toml:3:") == true)
        #expect(faults.first?.contains("it is not TOML: ") == true)
    }

    @Test func aKeyInTheWrongTableIsFoundByItsName() {
        #expect(
            Loading.faults("[retry]\nper_account = 2").contains(
                "t.toml:8:1: retry.per_account: there is no such key; did you mean worker.per_account?"))
        // Several tables have it, so no guess is made.
        #expect(
            Loading.faults("[log]\nca_file = \"/x\"") == ["t.toml:8:1: log.ca_file: there is no such key"])
    }

    @Test func tablesAndValuesAreNotMistakenForEachOther() {
        #expect(
            Loading.faults("[worker]\n[worker.concurrency]\nx = 1") == [
                "t.toml:8:1: worker.concurrency: it is a table; allowed: an integer from 1 to 1024"
            ])
        #expect(Loading.faults("[[worker]]\nconcurrency = 1").first?.contains("worker: it is an array") == true)
        #expect(
            Loading.faults(ofWhole: "broker = 1").first
                == "t.toml:1:1: broker: it is an integer; allowed: a table, [broker]")
    }

    @Test func everyWrongElementOfAListHasItsOwnPlace() {
        #expect(
            Loading.faults("[retry]\ndelays = [\"1s\", \"2x\", 3,\n \"1500ms\"]") == [
                """
                t.toml:8:17: retry.delays: "2x" is not a duration, such as "250ms", "5s", "2m", "1h" or "30d"; \
                allowed: a duration from "1s" to "1d" in whole seconds
                """,
                """
                t.toml:8:23: retry.delays: it is an integer; allowed: a duration from "1s" to "1d" in whole seconds
                """,
                """
                t.toml:9:2: retry.delays: "1500ms" is not a whole number of seconds; allowed: a duration from "1s" \
                to "1d" in whole seconds
                """,
            ])
    }

    @Test func aPasswordInTheURLOfTheLedgerIsFoundAndNotShown() {
        let allowed = "allowed: a URL that begins with postgresql://, without a password"
        for url in ["postgresql://u:hunter2@db/x", "postgresql://db/x?sslmode=require&password=hunter2"] {
            #expect(
                Loading.faults("[ledger]\nurl = \"\(url)\"") == [
                    "t.toml:8:7: ledger.url: it holds a password, which belongs in the file of ledger.password_file; "
                        + allowed
                ])
        }
    }

    @Test func aFileAndADatabaseForTheLedgerAreOneTooMany() {
        #expect(
            Loading.faults("[ledger]\npath = \"/l\"\nurl = \"postgresql://db/x\"") == [
                "t.toml:9:7: ledger.url: ledger.path is set too; allowed: a database or a file, and one of them"
            ])
    }

    @Test func keysWithControlCharactersAreShownEscaped() {
        #expect(
            Loading.faults("[log]\n\"a\\u001b[31m\" = 1") == [
                "t.toml:8:1: log.\"a\\u001B[31m\": there is no such key"
            ])
    }

    @Test func aMissingOrOversizedFileIsAFaultOfTheFile() throws {
        let error = #expect(throws: SettingsFaults.self) {
            try DaemonSettings.load(path: "/nonexistent/leave-albumd.toml", environment: [:])
        }
        #expect(
            error?.description == "/nonexistent/leave-albumd.toml: it cannot be read: No such file or directory")
        #expect(throws: SettingsFaults.self) { try DaemonSettings.load(path: "/", environment: [:]) }
    }
}
