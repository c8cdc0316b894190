import Clocks
import Secrets
import Testing

@testable import Telemetry

@Suite struct LogTests {
    static func line(_ message: String, _ fields: LogField..., level: LogLevel = .warning) -> LogLine {
        LogLine(
            time: SteppedClock.noon, level: level, message: message, fields: fields,
            location: CodeLocation(file: "Room/File.swift", line: 7, function: "say(_:)"))
    }

    @Test func aTextLineIsReadByPeople() {
        let line = Self.line("link lost", .init("link", "consume"), .init("attempt", 3), .init("after", .seconds(0.5)))
        let text = "2026-11-24T12:00:00.000Z warning link lost link=consume attempt=3 after=0.5"
        #expect(line.text(hashesAccounts: false) == text)
        #expect(line.text(hashesAccounts: false, showsCode: true) == text + " code=Room/File.swift:7")
    }

    @Test func aJSONLineIsReadByPrograms() {
        let line = Self.line("link lost", .init("link", "consume"), .init("attempt", 3), .init("after", .seconds(0.5)))
        let json =
            #"{"time":"2026-11-24T12:00:00.000Z","level":"warning","message":"link lost","link":"consume","#
            + #""attempt":3,"after":0.5"#
        #expect(line.json(hashesAccounts: false) == json + "}")
        #expect(
            line.json(hashesAccounts: false, showsCode: true) == json + #","code":"Room/File.swift:7 say(_:)"}"#)
    }

    /// Whatever a publisher or a service writes stays inside its field: no second line, no field of its own making.
    @Test(arguments: [
        "a b", "a=b", "", "\"", "line\nlevel=error", "\u{0}\u{1b}[31m", "\\\"", "\u{7f}", "\u{9b}31m", "\u{2028}x",
        "\u{202e}x", "a\r\nb",
    ])
    func aFieldStaysInItsPlace(value: String) throws {
        let line = Self.line("said", .init("detail", value), .init("after", 1))
        let text = line.text(hashesAccounts: false)
        let json = line.json(hashesAccounts: false)
        for reported in [text, json] {
            #expect(!reported.unicodeScalars.contains { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) })
            #expect(!reported.unicodeScalars.contains { $0 == "\u{2028}" || $0 == "\u{202e}" })
        }
        #expect(text.contains(" detail=\"") || value.unicodeScalars.allSatisfy { $0 != " " && $0 != "=" })
        #expect(text.hasSuffix(" after=1"))
        #expect(json.hasSuffix(",\"after\":1}"))
    }

    @Test func aMessageIsOneLine() {
        #expect(!Self.line("one\ntwo\r\u{1b}").text(hashesAccounts: false).utf8.contains { $0 < 0x20 })
    }

    @Test func levelsSortAsTheJournalSortsThem() {
        #expect(LogLevel.allCases == LogLevel.allCases.sorted())
        #expect(LogLevel.allCases.map(\.priority) == [7, 7, 6, 5, 4, 3, 2])
    }

    // MARK: Accounts

    @Test func accountsAreHashedWhereTheSettingsSaySo() {
        let line = Self.line("m", .init("account", .account(Array("anna".utf8))))
        #expect(line.text(hashesAccounts: false).hasSuffix(" account=anna"))
        // The first digits of SHA-256("anna").
        #expect(line.text(hashesAccounts: true).hasSuffix(" account=sha256:55579b557896"))
        #expect(line.json(hashesAccounts: true).hasSuffix(#""account":"sha256:55579b557896"}"#))
    }

    // MARK: Secrets

    @Test func aSecretThatSlipsIntoALinePrintsAsNothing() {
        let secret = Secret(copying: Array("ya29.very-secret".utf8))
        let holder = (name: "x", secret: secret)
        let line = Self.line("got \(secret) and \(holder)", .init("detail", "\([secret])"))
        #expect(!line.text(hashesAccounts: false).contains("very-secret"))
        #expect(line.text(hashesAccounts: false).contains("got <redacted> and"))
    }
}
