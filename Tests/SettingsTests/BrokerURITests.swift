import Secrets
import Testing

@testable import Settings

@Suite struct BrokerURITests {
    private func secret(_ text: String) -> Secret { Secret(copying: Array(text.utf8)) }

    @Test func readsEveryPart() throws {
        #expect(
            try BrokerURI(parsing: "amqps://us%65r:p%40ss%2F@broker.example:5679/my%2Fhost")
                == BrokerURI(
                    isTLS: true, host: "broker.example", port: 5679, vhost: "my/host", username: "user",
                    password: secret("p@ss/")))
    }

    @Test(arguments: [
        ("amqp://h", BrokerURI(isTLS: false, host: "h", port: 5672)),
        ("amqps://h", BrokerURI(isTLS: true, host: "h", port: 5671)),
        ("amqp://h/", BrokerURI(isTLS: false, host: "h", port: 5672)),
        ("amqp://h/%2f", BrokerURI(isTLS: false, host: "h", port: 5672)),
        ("AMQP://10.0.0.1:1/v", BrokerURI(isTLS: false, host: "10.0.0.1", port: 1, vhost: "v")),
        ("amqp://[::1]:5673", BrokerURI(isTLS: false, host: "::1", port: 5673)),
        ("amqp://u@h", BrokerURI(isTLS: false, host: "h", port: 5672, username: "u")),
        (
            "amqp://u:@h",
            BrokerURI(isTLS: false, host: "h", port: 5672, username: "u", password: Secret(copying: []))
        ),
    ])
    func fillsInWhatIsLeftOut(text: String, uri: BrokerURI) throws {
        #expect(try BrokerURI(parsing: text) == uri)
    }

    @Test(arguments: [
        "", "h", "amqp:h", "http://h", "amqp://", "amqp://u:p@", "amqp://:5672", "amqp://h:", "amqp://h:0",
        "amqp://h:65536", "amqp://h:+1", "amqp://h/a/b", "amqp://h/v?heartbeat=5", "amqp://h/v#f", "amqp://h/%zz",
        "amqp://h/%FF", "amqp://h/%2", "amqp://:p@h", "amqp://u:%GG@h", "amqp://[::1", "amqp://[h]", "amqp://[::1]x",
        "amqp://h h", "amqp://h%00x", "amqps://10.0.0.1", "amqps://[::1]", "amqp://h\u{E9}",
    ])
    func refusesTheRestWithoutQuotingIt(text: String) {
        let faults = Loading.faults(ofURI: text)
        #expect(faults.count == 1)
        #expect(faults.first?.contains("broker.uris: it") == true)
    }

    @Test func noFaultShowsAPassword() {
        for text in [
            "amqp://u:hunter2@h:x", "amqp:u:hunter2@h", "hunter2", "amqp://u:hunter2@h/a/b", "http://u:hunter2@h",
            "amqp://u:hunter2%zz@h",
        ] {
            let faults = Loading.faults(ofURI: text)
            #expect(faults.count == 1)
            #expect(!faults.joined().contains("hunter2"))
        }
    }

    @Test func printsWithoutItsPassword() throws {
        let uri = try BrokerURI(parsing: "amqp://us%40er:hunter2@[::1]/a%2Fb")
        #expect("\(uri)" == "amqp://us%40er:***@[::1]:5672/a%2Fb")
        #expect(String(reflecting: uri) == uri.description)
        var dumped = ""
        dump(uri, to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }
}
