import Concurrency
import Testing

@testable import Telemetry

@Suite struct JournalTests {
    private func fields(_ line: LogLine, hashes: Bool = false) -> [String] {
        line.journalFields(hashesAccounts: hashes).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func aJobsEndIsFoundByItsFields() {
        let line = LogTests.line(
            "job ended", .init("job", "j-1"), .init("outcome", "failed"),
            .init("account", .account(Array("anna".utf8))), .init("reason", "leave_refused"), .init("attempts", 2),
            .init("time_to_result_s", .seconds(1.5)), .init("trace_id", "0af7651916cd43dd8448eb211c80319c"),
            .init("cause", "c"), .init("verdict", "v"), .init("detail", "HTTP 400"))
        #expect(
            fields(line) == [
                "MESSAGE=job ended job=j-1 outcome=failed account=anna reason=leave_refused attempts=2 "
                    + "time_to_result_s=1.5 trace_id=0af7651916cd43dd8448eb211c80319c cause=c verdict=v "
                    + "detail=\"HTTP 400\"",
                "PRIORITY=4", "SYSLOG_IDENTIFIER=leave-albumd", "CODE_FILE=Room/File.swift", "CODE_LINE=7",
                "CODE_FUNC=say(_:)", "JOB_ID=j-1", "OUTCOME=failed", "ACCOUNT=anna", "REASON=leave_refused",
                "ATTEMPT=2", "LEAVE_ALBUM_TIME_TO_RESULT_S=1.5", "TRACE_ID=0af7651916cd43dd8448eb211c80319c",
                "CAUSE=c", "VERDICT=v", "LEAVE_ALBUM_DETAIL=HTTP 400",
            ])
    }

    @Test func accountsAreHashedInEveryField() {
        let line = LogTests.line("said", .init("account", .account(Array("anna".utf8))))
        #expect(fields(line, hashes: true).contains("ACCOUNT=sha256:55579b557896"))
        #expect(!fields(line, hashes: true).contains { $0.contains("anna") })
    }

    /// An entry is framed by its length; what is in a value is the value's.
    @Test func aValueMakesNoFieldOfItsOwn() {
        let line = LogTests.line("said\nPRIORITY=0", .init("detail", "x\nACCOUNT=root\n\nMESSAGE=forged"))
        let reported = fields(line)
        #expect(reported.count == 7)
        #expect(reported.filter { $0.hasPrefix("PRIORITY=") } == ["PRIORITY=4"])
        #expect(!reported.contains { $0.hasPrefix("ACCOUNT=") || $0.contains("\n") })
    }

    @Test func fieldNamesAreTheJournals() {
        let line = LogTests.line("m", .init("next_probe", "x"), .init("a-b.c", "y"))
        #expect(fields(line).suffix(2) == ["LEAVE_ALBUM_NEXT_PROBE=x", "LEAVE_ALBUM_A_B_C=y"])
    }

    // MARK: Whether there is one

    /// JOURNAL_STREAM, where standard error goes, whether that is a terminal, and what follows.
    private static let streams: [(String?, String?, Bool, LogFormat)] = [
        ("8:1234", "8:1234", false, .journal), ("8:1234", "8:1234", true, .journal),
        // Redirected by whoever inherited the variable.
        ("8:1234", "8:99", false, .json), ("8:1234", "8:99", true, .text), ("8:1234", nil, false, .json),
        (nil, "8:1234", false, .json), (nil, "8:1234", true, .text), ("", nil, false, .json), ("x", "8:1", true, .text),
    ]

    @Test(arguments: streams)
    func theFormatFollowsStandardError(stream: String?, standardError: String?, isTerminal: Bool, format: LogFormat) {
        #expect(
            LogFormat.automatic(journalStream: stream, standardError: standardError, isTerminal: isTerminal) == format)
    }

    @Test func withoutAJournalLinesGoToStandardErrorWithTheirPriority() {
        let code = Lock<Int32>(2)
        let sent = Lock(0)
        let reported = Lock<[String]>([])
        let writer = JournalWriter(
            send: { _ in
                sent.withLock { $0 += 1 }
                return code.withLock { $0 }
            },
            writeError: { line in reported.withLock { $0.append(line) } })
        let line = LogTests.line("link lost")
        func write() { writer.write(line, hashesAccounts: false, showsCode: false) }
        let text = "<4>2026-11-24T12:00:00.000Z warning link lost"
        let standardError =
            "<4>the journal cannot be reached, so lines go to standard error: No such file or directory (errno 2)"

        write()
        write()
        #expect(reported.withLock { $0 } == [standardError, text, text], "said once")
        code.withLock { $0 = 0 }
        write()
        #expect(reported.withLock { $0.count } == 3, "it is there again, and is tried each time")
        code.withLock { $0 = 2 }
        write()
        #expect(reported.withLock { $0 }.suffix(2) == [standardError, text])
        #expect(sent.withLock { $0 } == 4)
    }
}
