import JSON
import Operations
import Testing

@Suite struct ScrubberTests {
    private func scrubber(_ secrets: [String] = [], accounts: [String] = []) -> Scrubber {
        Scrubber(secrets: secrets.map { Array($0.utf8) }, accounts: accounts.map { Array($0.utf8) })
    }

    @Test func aKnownSecretGoesInEveryFormThatItIsWrittenIn() {
        let hidden = scrubber(["p\"a ss/wörd"])
        for form in ["p\"a ss/wörd", "p\\\"a ss/wörd", "p%22a%20ss%2Fw%C3%B6rd"] {
            #expect(hidden.scrubbed("before \(form) after") == "before <redacted> after", "\(form)")
        }
    }

    @Test func oneThatWasCutShortGoesTooAndAChanceLikenessStays() {
        let hidden = scrubber(["0123456789abcdefghij"])
        #expect(hidden.scrubbed("bad 0123456789ab…") == "bad <redacted>…")
        #expect(hidden.scrubbed("at 0123456789") == "at 0123456789")
    }

    @Test func thousandsOfTokensAreLookedForAtOnce() {
        let many = scrubber((0..<20_000).map { "token-number-\($0)-end" })
        let text = String(repeating: "a line of a log without anything secret, token free. ", count: 2_000)
        #expect(many.scrubbed(text) == text)
        #expect(many.scrubbed("a token-number-17-end b") == "a <redacted> b")
    }

    @Test(arguments: [
        ("amqp://bob:hunter2@host:5672/vhost", "amqp://bob:***@host:5672/vhost"),
        ("at amqps://bob:a:b@c@host, then", "at amqps://bob:***@host, then"),
        ("http://host/path:x@y", "http://host/path:x@y"), ("amqp://bob@host", "amqp://bob@host"),
        ("a://", "a://"), ("", ""),
    ])
    func passwordsInAddressesAreMasked(text: String, masked: String) {
        #expect(scrubber().scrubbed(text) == masked)
    }

    @Test func whatLooksLikeATokenGoesAndNamesStay() {
        let token = "ya29.a0AfB_byC" + String(repeating: "x1", count: 30)
        #expect(scrubber().scrubbed("Bearer \(token)!") == "Bearer <redacted>!")
        for name in [
            "leave_album_hold_next_probe_timestamp_seconds", "leave_album_ledger_commit_duration_seconds_bucket",
            "0f6f5b5c-7c2c-4c56-9a39-0c6f4b6b9a11", "2026-11-24T20:36:46.324Z",
        ] { #expect(scrubber().scrubbed(name) == name) }
    }

    @Test func accountsAreHashedAsInTheLog() throws {
        let hidden = scrubber(accounts: ["anna"])
        // printf anna | sha256sum
        let hash = "sha256:55579b557896"
        #expect(
            hidden.scrubbed("anna, annabel, (anna) and anna@home") == "\(hash), annabel, (\(hash)) and \(hash)@home")
        #expect(scrubber().scrubbed("left account=anna job=1") == "left account=\(hash) job=1")
        #expect(scrubber().scrubbed("left account=\"anna\" job=1") == "left account=\(hash) job=1")
        #expect(scrubber().scrubbed("left account=\(hash) job=1") == "left account=\(hash) job=1", "hashed once")
        let json = try JSONValue.parse(Array(#"{"a":[{"account":"anna"}],"note":"of anna"}"#.utf8))
        var learned = scrubber()
        learned.learn(from: json)
        #expect(
            String(decoding: learned.scrubbed(json).encoded(), as: UTF8.self)
                == #"{"a":[{"account":"\#(hash)"}],"note":"of \#(hash)"}"#)
    }

    @Test func textThatEndsWithinAFieldIsNoCrash() {
        for text in ["account=", "account=\"", "account=\"a\\", "://", "://u:", "://u:p@"] {
            _ = scrubber(["secret"], accounts: ["anna"]).scrubbed(text)
        }
        #expect(scrubber().scrubbed("account=") == "account=")
    }

    // MARK: The journal

    @Test func ofTheJournalOnlyKnownFieldsStay() throws {
        let lines = """
            {"MESSAGE":"left account=bertha","ACCOUNT":"bertha","JOB_ID":"j1","_HOSTNAME":"h","_CMDLINE":"x --y","LEAVE_ALBUM_ROW":"4"}
            not json
            {"MESSAGE":"{\\"message\\":\\"held\\",\\"account\\":\\"clara\\"}","PRIORITY":"4"}
            {"MESSAGE":"a word on clara and token s3cret-word","PRIORITY":"6"}

            """
        let (text, leftOut) = JournalExcerpt.scrubbed(Array(lines.utf8), with: scrubber(["s3cret-word"]))
        let reported = String(decoding: text, as: UTF8.self)
        #expect(leftOut == 1)
        let entries = try reported.split(separator: "\n").map { try JSONValue.parse(Array($0.utf8)) }
        #expect(entries.count == 3)
        #expect(entries[0]["JOB_ID"]?.text == "j1" && entries[0]["LEAVE_ALBUM_ROW"]?.text == "4")
        #expect(entries[0]["_HOSTNAME"] == nil && entries[0]["_CMDLINE"] == nil)
        #expect(entries[1]["MESSAGE"]?["message"]?.text == "held")
        for secret in ["bertha", "clara", "s3cret-word", "--y"] { #expect(!reported.contains(secret), "\(secret)") }
        // An account that one line names as such is hidden in the words of the others.
        #expect(entries[2]["MESSAGE"]?.text?.contains("a word on sha256:") == true)
    }
}
