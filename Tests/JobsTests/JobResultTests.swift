import Clocks
import JSON
import Jobs
import Secrets
import Testing

@Suite("Results have one body and one message-id")
struct JobResultTests {
    static let completed = Timestamp(milliseconds: 1_795_463_400_007)
    /// Seen first 1,234 ms before it was completed.
    static let subject = {
        var subject = ResultSubject(
            jobID: JobID("crm:42/leave"), account: AccountID("zo\u{e9} \"Z\""), generation: 1, attempts: 2,
            firstSeen: completed - .milliseconds(1234), isAmbiguous: false, hasCalled: true)
        subject.requestedAt = "2026-11-23t19:49:00+00:00"
        subject.metadata = [
            .init(key: Array("z".utf8), value: Array("1".utf8)), .init(key: Array("a".utf8), value: []),
        ]
        subject.httpStatus = 200
        return subject
    }()

    /// What the ledger's row alone tells.
    static let bare = ResultSubject(
        jobID: JobID("j"), account: AccountID("a"), generation: 0, attempts: 10, firstSeen: completed,
        isAmbiguous: true, hasCalled: true)

    static func text(_ result: JobResult) -> String { String(decoding: result.encoded(), as: UTF8.self) }

    @Test("A success has these bytes")
    func success() {
        let result = JobResult(.left, of: Self.subject, at: Self.completed)
        #expect(
            Self.text(result)
                == #"{"account":"zoé \"Z\"","attempts":2,"completedAt":"2026-11-23T19:50:00.007Z","durationMs":1234,"#
                + #""effect":"left","generation":1,"httpStatus":200,"jobId":"crm:42/leave","#
                + #""metadata":{"a":"","z":"1"},"outcome":"left","requestedAt":"2026-11-23t19:49:00+00:00","version":1}"#
        )
        #expect(result.messageID == "crm:42/leave#1")
    }

    @Test("A user who had left already has left")
    func alreadyLeft() {
        let result = JobResult(.alreadyLeft, of: Self.subject, at: Self.completed)
        #expect((result.outcome, result.effect) == (.alreadyLeft, .left))
        #expect((result.reason, result.next) == (nil, nil))
    }

    @Test("A failure has these bytes, and says what its reason says")
    func failure() {
        var subject = Self.bare
        (subject.httpStatus, subject.apiStatus) = (503, "UNAVAILABLE")
        // A clock that was set back makes no time negative.
        subject.firstSeen = Self.completed + .seconds(1)
        let result = JobResult(
            .failed(.attemptsExhausted, detail: "HTTP 503", isAnswer: true), of: subject, at: Self.completed)
        #expect(
            Self.text(result)
                == #"{"account":"a","apiStatus":"UNAVAILABLE","attempts":10,"completedAt":"2026-11-23T19:50:00.007Z","#
                + #""detail":"HTTP 503","durationMs":0,"effect":"unknown","generation":0,"httpStatus":503,"jobId":"j","#
                + #""next":"operator","outcome":"failed","reason":"attempts_exhausted","version":1}"#)
    }

    @Test("The album's word goes before the reason's")
    func queried() {
        var subject = Self.bare
        subject.effect = .notLeft
        let result = JobResult(.failed(.attemptsExhausted, detail: "x"), of: subject, at: Self.completed)
        #expect(result.effect == .notLeft)
    }

    @Test("What no answer has ended tells of none")
    func noAnswer() {
        let result = JobResult(.failed(.poison, detail: "x"), of: Self.subject, at: Self.completed)
        #expect((result.httpStatus, result.attempts, result.generation) == (nil, 2, 1))
    }

    @Test("What an operator ends is in doubt after any call, everything else after one that went unheard")
    func doubt() {
        for (reason, hasCalled, isAmbiguous, effect) in [
            (Reason.cancelled, false, false, Effect.notLeft), (.cancelled, true, false, .unknown),
            (.poison, true, false, .notLeft), (.poison, true, true, .unknown),
        ] {
            var subject = Self.bare
            (subject.hasCalled, subject.isAmbiguous) = (hasCalled, isAmbiguous)
            let result = JobResult(.failed(reason, detail: "x"), of: subject, at: Self.completed)
            #expect(result.effect == effect, "\(reason)")
        }
    }

    @Test("A rejected message has these bytes, and a message-id of its own body")
    func rejected() {
        let result = JobResult(rejecting: Rejection(.malformedJob, "account: it is missing", jobID: JobID("j1")))
        #expect(
            Self.text(result)
                == #"{"attempts":0,"detail":"account: it is missing","#
                + #""durationMs":0,"effect":"not_left","generation":0,"jobId":"j1","next":"fix_request","#
                + #""outcome":"rejected","reason":"malformed_job","version":1}"#)
        #expect(result.messageID == nil)
        let digest = SHA256Digest(of: Array("abc".utf8))
        #expect(
            JobResult.messageID(rejecting: digest, for: .malformedJob)
                == "rejected:ba7816bf8f01cfea414140de5dae2223:malformed_job")
    }

    @Test("A detail is scrubbed of control characters and cut between characters")
    func scrubbing() throws {
        var result = JobResult(.left, of: Self.subject, at: Self.completed)
        result.detail = "x\u{1b}[31m" + String(repeating: "y", count: 600)
        let written = try #require(JSONValue.parse(result.encoded())["detail"]?.text)
        #expect(written.hasPrefix("x [31m") && written.utf8.count == 512)
    }

    @Test("A result that was published is read back whole")
    func decoding() throws {
        var full = JobResult(.left, of: Self.subject, at: Self.completed)
        (full.detail, full.apiStatus) = ("d", "OK")
        for result in [
            full, JobResult(.failed(.shareTokenInvalid, detail: "d"), of: Self.bare, at: Self.completed),
            JobResult(rejecting: Rejection(.bodyTooLarge, "x")),
        ] {
            let read = try JobResult.decode(result.encoded())
            #expect(read.encoded() == result.encoded())
        }
    }

    @Test("A reason of a newer worker leaves a gap, not an error")
    func newerReason() throws {
        let body =
            #"{"version":1,"jobId":"j","outcome":"failed","effect":"unknown","reason":"comet","next":"operator","#
            + #""attempts":1,"generation":0,"completedAt":"2026-11-23T19:50:00.007Z","durationMs":1,"more":[]}"#
        let result = try JobResult.decode(Array(body.utf8))
        #expect((result.reason, result.effect, result.next) == (nil, .unknown, .operator))
    }

    @Test(
        "What is no result is refused",
        arguments: [
            "", "[]", "{}", #"{"version":2,"jobId":"j","outcome":"left","effect":"left","attempts":1,"generation":0}"#,
            #"{"version":1,"outcome":"left","effect":"left","attempts":1,"generation":0,"completedAt":"x"}"#,
            #"{"version":1,"jobId":"j","outcome":"left","effect":"left","attempts":1,"generation":0}"#,
            #"{"version":1,"jobId":"j","outcome":"gone","effect":"left","attempts":1,"generation":0,"completedAt":"x"}"#,
            #"{"version":1,"jobId":"j","outcome":"left","effect":"left","attempts":-1,"generation":0,"completedAt":"x"}"#,
        ])
    func notAResult(body: String) {
        #expect(throws: ResultFault.self) { try JobResult.decode(Array(body.utf8)) }
    }

    private static func left(_ change: String) -> String {
        #"{"version":1,"jobId":"j","outcome":"left","effect":"left","attempts":1,"generation":0,"completedAt":"x"\#(change)"#
    }

    @Test(
        "Nobody is told that a user has left by half a message",
        arguments: [
            "", "}{}", "},", #","jobId":"k"}"#, #","outcome":"left"}"#, #","account":7}"#, #","account":""}"#,
            #","account":null}"#, #","detail":7}"#, #","reason":7}"#, #","next":[]}"#, #","httpStatus":"200"}"#,
            #","httpStatus":-1}"#, #","apiStatus":0}"#, #","durationMs":"1"}"#, #","durationMs":1e400}"#,
            #","metadata":[]}"#, #","metadata":{"a":1}}"#, #","requestedAt":0}"#,
        ])
    func halfAResult(change: String) throws {
        #expect(throws: Never.self) { try JobResult.decode(Array(Self.left("}").utf8)) }
        #expect(throws: ResultFault.self) { try JobResult.decode(Array(Self.left(change).utf8)) }
    }

    @Test("An outcome that its effect contradicts is none, and what is not named may be anything")
    func contradiction() throws {
        for effect in ["not_left", "unknown"] {
            let body = Self.left("}").replacing(#""effect":"left""#, with: #""effect":"\#(effect)""#)
            #expect(throws: ResultFault.self) { try JobResult.decode(Array(body.utf8)) }
        }
        let more = Self.left(#","more":18446744073709551615,"more":{"\u0000":"\ud800"}}"#)
        #expect(try JobResult.decode(Array(more.utf8)).outcome == .left)
    }
}
