import Telemetry
import Testing
import Threads

@Suite struct LogTests {
    private static let noon = Timestamp(milliseconds: 1_795_521_600_000)

    private func line(_ format: LogFormat, _ message: String, _ fields: LogField..., hashes: Bool = false) -> String {
        format.line(.warning, message, fields, at: Self.noon, hashesAccounts: hashes)
    }

    @Test func aTextLineIsReadByPeople() {
        #expect(
            line(.text, "link lost", .init("link", "consume"), .init("attempt", 3), .init("after", .seconds(0.5)))
                == "2026-11-24T12:00:00.000Z warning link lost link=consume attempt=3 after=0.5")
    }

    @Test func aJSONLineIsReadByPrograms() {
        #expect(
            line(.json, "link lost", .init("link", "consume"), .init("attempt", 3), .init("after", .seconds(0.5)))
                == #"{"time":"2026-11-24T12:00:00.000Z","level":"warning","message":"link lost","link":"consume","#
                + #""attempt":3,"after":0.5}"#)
    }

    /// Whatever a publisher or a service writes stays inside its field: no second line, no field of its own making.
    @Test(arguments: ["a b", "a=b", "", "\"", "line\nlevel=error", "\u{0}\u{1b}[31m", "\\\"", "\u{7f}"])
    func aFieldStaysInItsPlace(text: String) {
        for format in [LogFormat.text, .json] {
            let line = line(format, "said", .init("detail", text), .init("after", 1))
            #expect(!line.utf8.contains { $0 < 0x20 || $0 == 0x7f })
            #expect(line.hasSuffix(format == .text ? " after=1" : ",\"after\":1}"))
        }
        #expect(line(.text, "said", .init("detail", text)).contains(" detail=\""))
    }

    @Test func aMessageIsOneLine() {
        #expect(!line(.text, "one\ntwo\r\u{1b}").utf8.contains { $0 < 0x20 })
    }

    @Test func accountsAreHashedWhereTheSettingsSaySo() {
        let field = LogField("account", .account(Array("anna".utf8)))
        #expect(line(.text, "m", field).hasSuffix(" account=anna"))
        // The first digits of SHA-256("anna").
        #expect(line(.text, "m", field, hashes: true).hasSuffix(" account=sha256:55579b557896"))
    }

    @Test func whatIsBelowTheLevelIsNotEvenMade() {
        let written = Lock<[String]>([])
        let made = Lock(0)
        let logger = Logger(level: .notice) { level, message, _ in
            written.withLock { $0.append("\(level) \(message)") }
        }
        func message(_ text: String) -> String {
            made.withLock { $0 += 1 }
            return text
        }
        logger.debug(message("a"))
        logger.info(message("b"))
        logger.log(.trace, message("c"))
        logger.notice(message("d"))
        logger.log(.critical, message("e"))
        #expect(written.withLock { $0 } == ["notice d", "critical e"])
        #expect(made.withLock { $0 } == 2)
    }

    @Test func levelsSortAsTheJournalSortsThem() {
        #expect(LogLevel.allCases == LogLevel.allCases.sorted())
        #expect(LogLevel.allCases.map(\.priority) == [7, 7, 6, 5, 4, 3, 2])
    }
}
