import Secrets
import Testing

@Suite("Secrets are taken out of others' words")
struct RedactionTests {
    private func redacted(_ secrets: [String], _ text: String) -> String {
        String(
            decoding: Redaction.replacing(secrets.map { Array($0.utf8) }, in: Array(text.utf8)), as: UTF8.self)
    }

    @Test("A secret goes wherever it stands")
    func whole() {
        #expect(redacted(["tok"], "a tok, toktok") == "a <redacted>, <redacted><redacted>")
        #expect(redacted(["one", "two"], "two one three") == "<redacted> <redacted> three")
    }

    @Test("A secret that was cut short goes too, a chance likeness stays")
    func pieces() {
        #expect(redacted(["0123456789abcdef"], "token 0123456789ab… is bad") == "token <redacted>… is bad")
        #expect(redacted(["0123456789abcdef"], "token 0123456789a is fine") == "token 0123456789a is fine")
    }

    @Test("Nothing and the empty secret hide nothing")
    func empty() {
        #expect(redacted([], "text") == "text")
        #expect(redacted([""], "text") == "text")
        #expect(redacted(["x"], "") == "")
    }

    @Test(arguments: [
        ("no token here, only /usr/lib/leave-albumd/helpers", "no token here, only /usr/lib/leave-albumd/helpers"),
        ("bad token ya29.a0AfB_byC-abcdefghij!", "bad token <redacted>!"),
        ("1//0abcdefghijklmnopqrstuvwxyz", "1//<redacted>"), ("", ""), ("two\nlines", "two\nlines"),
        ("aaaaaaaaaaaaaaaaaaaa", "<redacted>"), ("aaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaa"),
    ])
    func whatCouldBeATokenIsHidden(text: String, hidden: String) {
        #expect(String(decoding: Redaction.hidingOpaqueText(Array(text.utf8)), as: UTF8.self) == hidden)
    }

    /// As a word of its own, whatever stands around it; a short one would take sentences apart.
    @Test(arguments: [
        ("anna", "anna may not, (anna), anna", "<account> may not, (<account>), <account>"),
        ("anna", "annabel, joanna, anna2", "annabel, joanna, anna2"),
        ("anna@example.org", "grant of anna@example.org.", "grant of <account>."),
        ("anna", "Änna, annaä, anna", "Änna, annaä, <account>"), ("", "text", "text"), ("a", "a word", "a word"),
        ("tag:1", "tag:1tag:1 tag:1", "tag:1tag:1 <account>"), ("anna", "", ""), ("anna", "ann", "ann"),
    ])
    func anAccountIsHiddenInOthersMessages(account: String, text: String, hidden: String) {
        #expect(Redaction.hidingAccount(Array(account.utf8), in: text) == hidden)
    }
}
