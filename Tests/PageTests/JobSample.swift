import Clocks
import Daemon
import Jobs
import Ledger
import Messages
import Operations
import Pipeline

/// Jobs for the page of one to show.
enum JobSample {
    static let id = "offboarding/2026-11/user-17"
    static let account = "anna@example.com"
    /// Of the record, where no page may show it.
    static let tokenHash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    static let trace = "0af7651916cd43dd8448eb211c80319c"
    static let now = Timestamp(milliseconds: 1_795_507_200_000)

    static func event(_ kind: String, _ detail: String, ago seconds: Int) -> JobEvent {
        JobEvent(jobID: JobID(id), generation: 0, at: now - .seconds(seconds), kind: kind, detail: detail)
    }

    /// Five tries, each with its line, and the trace in which the last one was parked.
    static let tries = (1...5).flatMap { number in
        [
            event("called", "row 31, retry, status 503: try \(number)", ago: 600 - number * 100),
            event(
                "parked", JobEvent.detail("for 30 s: try \(number)", trace: trace), ago: 599 - number * 100),
        ]
    }

    static func history(
        _ state: JobRecord.State, attempts: Int = 5, isAmbiguous: Bool = false, results: [StoredResult] = [],
        events: [JobEvent] = tries, holds: [HoldRecord] = [], id: String = id
    ) -> JobHistory {
        JobHistory(
            JobRecord(
                jobID: JobID(id), account: AccountID(account), tokenHash: tokenHash, generation: 0, attempts: attempts,
                isAmbiguous: isAmbiguous, firstSeen: now - .seconds(700), firstCallAt: now - .seconds(699),
                changedAt: now - .seconds(99), state: state, results: results, events: events, holds: holds))
    }

    static func open(due: Timestamp? = nil) -> OpenJob {
        OpenJob(
            generation: 0, copy: 1, attempts: 5, isAmbiguous: false, firstSeen: now, due: due, copyIsPublished: true)
    }

    static func parked(in seconds: Int = 30) -> JobHistory {
        history(.open(open(due: now + .seconds(seconds)), isCalling: false))
    }

    static let calling = history(.open(open(), isCalling: true), attempts: 0, events: [])

    static func result(_ body: String, generation: Int = 0) -> StoredResult {
        StoredResult(
            messageID: "\(id)#\(generation)", outcome: .failed, reason: .attemptsExhausted, body: Array(body.utf8),
            correlationID: nil, traceparent: "00-\(trace)-b7ad6b7169203331-01", tracestate: nil,
            completedAt: now - .seconds(90))
    }

    static let failed = history(
        .finished(resultIsPublished: true, deadLetterIsPublished: true),
        results: [
            result(
                #"{"outcome":"failed","reason":"attempts_exhausted","effect":"not_left","next":"operator","attempts":5,"#
                    + #""httpStatus":503,"apiStatus":"UNAVAILABLE","detail":"all 5 attempts failed","#
                    + #""metadata":{"ticket":"HR-4711"}}"#)
        ])

    static let inFlight = JobInFlight(
        account: AccountID(account), generation: 0, lane: .bulk, receivedAt: MonotonicTime(nanoseconds: 0),
        place: .withWorker, traceID: trace)

    static func page(_ content: JobPage.Content, id: String = id) -> JobPage {
        var page = JobPage(id: id, content: content, retention: .seconds(30 * 86_400), now: now)
        page.account = account
        return page
    }
}
