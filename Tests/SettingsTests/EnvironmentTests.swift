import Testing

@testable import Settings

@Suite struct EnvironmentTests {
    @Test func everyVariableIsOneKeys() {
        let variables = SettingSchema.keys.map(\.variable)
        #expect(Set(variables).count == variables.count)
        #expect(variables.contains("LEAVE_ALBUMD_BROKER_TLS_CA_FILE"))
    }

    @Test func variablesGoBeforeTheFile() throws {
        let settings = try Loading.settings(
            "[worker]\nconcurrency = 4",
            environment: [
                "LEAVE_ALBUMD_WORKER_CONCURRENCY": "8",
                "LEAVE_ALBUMD_WORKER_DRAIN_TIMEOUT": "45s",
                "LEAVE_ALBUMD_API_TIMEOUT": "\"30s\"",
                "LEAVE_ALBUMD_BROKER_URIS": #"["amqp://a", "amqp://b"]"#,
                "LEAVE_ALBUMD_BROKER_TLS_CA_FILE": "/ca.pem",
                "LEAVE_ALBUMD_LOG_HASH_ACCOUNTS": "true",
                "PATH": "/bin",
            ])
        #expect(settings.worker.concurrency == 8)
        #expect(settings.worker.drainTimeout == .seconds(45))
        #expect(settings.api.timeout == .seconds(30))
        #expect(settings.broker.uris.map(\.host) == ["a", "b"])
        #expect(settings.broker.tls.caFile == SecretFile(key: "broker.tls.ca_file", path: "/ca.pem"))
        #expect(settings.log.hashAccounts)
    }

    @Test(arguments: ["12345", "true", "2026-11-23", "a\nb = 1", "a # b", "it's"])
    func whatTakesTextTakesItAsItStands(text: String) throws {
        let draft = DaemonSettings.draft(
            text: [], file: "t.toml", environment: ["LEAVE_ALBUMD_LEDGER_PATH": "/\(text)"])
        if text.contains("\n") {
            // The name of a key in a second line does not become one: it is part of a path that is refused.
            #expect(draft.faults.count == 1)
            #expect(draft.settings.ledger.path == DaemonSettings().ledger.path)
        } else {
            #expect(draft.settings.ledger.path == "/\(text)")
        }
        let user = DaemonSettings.draft(
            text: [], file: "t.toml", environment: ["LEAVE_ALBUMD_BROKER_USERNAME": "12345"])
        #expect(user.settings.broker.username == "12345")
    }

    @Test func aSecondLineAddsNoKey() {
        let faults = Loading.faults("", environment: ["LEAVE_ALBUMD_WORKER_CONCURRENCY": "1\nx = 2"])
        #expect(faults.map { $0.contains("it is a string") } == [true])
    }

    @Test func aWrongValueNamesItsVariable() {
        #expect(
            Loading.faults("", environment: ["LEAVE_ALBUMD_WORKER_PER_ACCOUNT": "9"]) == [
                """
                $LEAVE_ALBUMD_WORKER_PER_ACCOUNT: worker.per_account: 9 is out of range; allowed: an integer from 1 to 8
                """
            ])
    }

    @Test func unknownVariablesOfOursAreFaultsAndOthersAreNot() {
        #expect(
            Loading.faults(
                "", environment: ["LEAVE_ALBUMD_CONCURRENCY": "1", "LEAVE_ALBUMX": "1", "LEAVE_ALBUMD": "1"])
                == [
                    """
                    $LEAVE_ALBUMD_CONCURRENCY: no key has this variable; did you mean $LEAVE_ALBUMD_WORKER_CONCURRENCY?
                    """
                ])
        #expect(
            Loading.faults("", environment: ["LEAVE_ALBUMD_CA_FILE": "/x"])
                == ["$LEAVE_ALBUMD_CA_FILE: no key has this variable"])
    }

    @Test func theProcessesOwnVariablesAreRead() {
        #expect(DaemonSettings.processEnvironment()["PATH"]?.isEmpty == false)
    }
}
