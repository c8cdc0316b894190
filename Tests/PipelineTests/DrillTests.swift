import AMQP
import Clocks
import Concurrency
import Foundation
import Jobs
import Photos
import PipelineHarness
import Testing

@testable import Pipeline

/// Whole faults from their beginning to their end, on a clock that stands still between two events.
@Suite struct DrillTests {
    // MARK: A quota of days

    /// `LEAVE_ALBUMD_DRILL_JOBS=25000` runs it in full; the rules see the same at a twenty-fifth.
    @Test func moreJobsThanTheDayHasCallsAreDoneInTheirDaysAndInteractiveOnesWaitMinutes() async throws {
        let jobs = ProcessInfo.processInfo.environment["LEAVE_ALBUMD_DRILL_JOBS"].flatMap(Int.init) ?? 1_000
        var options = Harness.Options()
        options.concurrency = 8
        options.perDay = jobs * 2 / 5
        options.pace = .even
        let spent = Lock<[Int64: Int]>([:])
        let clock = Lock<ManualClock?>(nil)
        let limit = options.perDay
        let harness = try await Harness(options) { _ in
            let now = clock.withLock { $0 }?.wall() ?? Harness.start
            // The API counts as well, and refuses what is too much.
            let isOver = spent.withLock { spent in
                spent[now.milliseconds / 86_400_000, default: 0] += 1
                return spent[now.milliseconds / 86_400_000, default: 0] > limit
            }
            return isOver
                ? .error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for limit 'All requests per day' of service") : .ok
        }
        clock.withLock { $0 = harness.clock }
        for number in 0..<jobs { harness.submit("b\(number)", account: "a\(number % 500)", lane: "bulk") }
        harness.begin()
        var waits: [Double] = []
        var hours = 0
        while harness.resultCount < jobs + waits.count, hours < 72 {
            hours += 1
            await harness.pass(.seconds(3600))
            let id = "i\(hours)"
            harness.submit(id, account: id)
            let came = harness.clock.now()
            await harness.advance(for: .seconds(3600)) {
                harness.broker.newest("results", 100).contains { $0.properties.messageID == "\(id)#0" }
            }
            waits.append((harness.clock.now() - came).inSeconds)
            hours += waits.last.map { Int($0 / 3600) } ?? 0
        }
        let took = (harness.clock.now() - MonotonicTime(nanoseconds: 0)).inSeconds / 86_400
        let days = spent.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
        print(
            "\(jobs) jobs against \(limit) calls a day: \(days) calls on the days, done after \(took) days, "
                + "\(waits.count) interactive jobs waited \(waits.max() ?? 0) s at most")
        #expect(harness.resultCount == jobs + waits.count)
        #expect(took < 3, "done within three days")
        #expect(days.allSatisfy { $0 <= limit }, "no call was refused")
        #expect((waits.max() ?? 0) < 300)
        #expect(harness.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
        await harness.end()
    }

    // MARK: Every row at random

    private struct Fault {
        var row: Int
        var answer: Answer
        /// The effect may have happened nevertheless.
        var mayApply = false
        /// It may be carried out later.
        var isUnheard = false
        var reason: String?
    }

    private static func error(_ http: Int, _ status: String, _ message: String, _ reason: String? = nil) -> Answer {
        guard let reason else { return .error(http, status, message) }
        let info = #"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"\#(reason)"}"#
        let body = #"{"error":{"code":\#(http),"message":"\#(message)","status":"\#(status)","details":[\#(info)]}}"#
        return .answered(status: http, fields: [], body: Array(body.utf8))
    }

    private static func plain(_ http: Int, _ body: String = "<html>") -> Answer {
        .answered(status: http, fields: [], body: Array(body.utf8))
    }

    private static let faults: [Fault] = [
        Fault(row: 1, answer: .notSent(detail: "refused")),
        Fault(row: 36, answer: .tooLate(detail: "over")),
        Fault(row: 2, answer: .tlsTrustFailure(detail: "unknown CA")),
        Fault(row: 3, answer: .ambiguous(detail: "reset"), mayApply: true, isUnheard: true),
        Fault(row: 5, answer: .html, mayApply: true, isUnheard: true, reason: "response_malformed"),
        Fault(row: 6, answer: .redirect, reason: "unexpected_status"),
        Fault(row: 6, answer: plain(202, "{}"), mayApply: true, isUnheard: true, reason: "response_malformed"),
        Fault(row: 7, answer: .error(400, "INVALID_ARGUMENT", "Invalid JSON payload received."), reason: "client_bug"),
        Fault(row: 8, answer: .error(400, "INVALID_ARGUMENT", "The user is the owner."), reason: "leave_refused"),
        Fault(row: 9, answer: .unknownToken, reason: "leave_refused"),
        Fault(row: 11, answer: plain(404), reason: "unexpected_status"),
        Fault(row: 12, answer: .error(401, "UNAUTHENTICATED", "Expired"), reason: "auth_rejected"),
        Fault(
            row: 14, answer: error(403, "PERMISSION_DENIED", "x", "USER_BLOCKED_BY_ADMIN"), reason: "account_blocked"),
        Fault(row: 15, answer: error(401, "UNAUTHENTICATED", "x", "CREDENTIALS_MISSING"), reason: "auth_rejected"),
        Fault(
            row: 16, answer: .error(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes."),
            reason: "permission_denied"),
        Fault(row: 17, answer: error(403, "PERMISSION_DENIED", "x", "SERVICE_DISABLED"), reason: "permission_denied"),
        Fault(row: 18, answer: error(403, "PERMISSION_DENIED", "x", "BILLING_DISABLED"), reason: "permission_denied"),
        Fault(
            row: 19, answer: .error(403, "PERMISSION_DENIED", "Google Photos is disabled for the user"),
            reason: "photos_disabled_for_user"),
        Fault(
            row: 20, answer: .error(403, "PERMISSION_DENIED", "The caller does not have permission"),
            reason: "permission_denied"),
        Fault(row: 21, answer: .error(429, "RESOURCE_EXHAUSTED", "limit 'All requests per day'")),
        Fault(row: 22, answer: .error(429, "RESOURCE_EXHAUSTED", "'Write requests per minute per user'")),
        Fault(row: 23, answer: .error(429, "RESOURCE_EXHAUSTED", "quota 'concurrent write request'")),
        Fault(row: 24, answer: plain(429)), Fault(row: 25, answer: plain(408), mayApply: true, isUnheard: true),
        Fault(row: 26, answer: .error(409, "ABORTED", "The operation was aborted.")),
        Fault(row: 27, answer: .error(409, "ALREADY_EXISTS", "x"), reason: "leave_refused"),
        Fault(row: 28, answer: plain(504), mayApply: true, isUnheard: true),
        Fault(row: 29, answer: .error(500, "INTERNAL", "Internal error encountered."), mayApply: true),
        Fault(row: 30, answer: .error(500, "DATA_LOSS", "x"), mayApply: true, reason: "server_data_loss"),
        Fault(row: 31, answer: .unavailable, mayApply: true),
        Fault(row: 31, answer: plain(502), mayApply: true, isUnheard: true),
        Fault(row: 32, answer: plain(418, "{}"), reason: "unexpected_status"),
        Fault(row: 32, answer: plain(403), reason: "unexpected_status"),
    ]

    private struct AlbumService {
        var random = SeededRandom(seed: 20_261_124)
        var hasLeft: Set<String> = []
        var reasons: [String: Set<String>] = [:]
        /// The last answer left the caller in doubt.
        var inDoubt: Set<String> = []
        var calls = 0
        var faults = 0
        /// Calls for a user who had left, which no row of the table orders.
        var needless = 0
        /// The last call went unheard, and the album has not answered since.
        var unheard: Set<String> = []
        /// Calls of those.
        var unasked = 0
    }

    /// 2,000 jobs meet each of them often; in a quarter of these each is met several times.
    @Test func manyJobsEndAsTheTableSaysWhateverTheAPIAnswers() async throws {
        let jobs = Drill.isWhole ? 2_000 : 500
        let service = Lock(AlbumService())
        var options = Harness.Options()
        options.concurrency = 8
        let harness = try await Harness(
            options,
            albums: { call in
                service.withLock { service in
                    service.calls += 1
                    if Double.random(in: 0..<1, using: &service.random) < 0.3 { return .unavailable }
                    service.unheard.remove(call.token)
                    return .album(joined: !service.hasLeft.contains(call.token))
                }
            }
        ) { call in
            service.withLock { service in
                service.calls += 1
                let hasLeft = service.hasLeft.contains(call.token)
                // What a server failed at may be tried once more in flight: rows 29 to 31 order that.
                if hasLeft, !service.inDoubt.contains(call.token) { service.needless += 1 }
                if service.unheard.contains(call.token) { service.unasked += 1 }
                service.inDoubt.remove(call.token)
                if Double.random(in: 0..<1, using: &service.random) < 0.3,
                    let fault = Self.faults.randomElement(using: &service.random)
                {
                    service.faults += 1
                    if fault.mayApply {
                        if fault.isUnheard {
                            service.unheard.insert(call.token)
                        } else {
                            service.inDoubt.insert(call.token)
                        }
                        if Bool.random(using: &service.random) { service.hasLeft.insert(call.token) }
                    }
                    if let reason = fault.reason { service.reasons[call.token, default: []].insert(reason) }
                    return fault.answer
                }
                return service.hasLeft.insert(call.token).inserted ? .ok : .unknownToken
            }
        }
        for number in 0..<jobs { harness.submit("j\(number)", account: "a\(number % 400)") }
        harness.begin()
        await harness.advance(for: .seconds(300 * 86_400)) { harness.resultCount == jobs }
        let results = harness.results
        #expect(results.count == jobs)
        let end = service.withLock { $0 }
        var outcomes: [String: Int] = [:]
        for result in results {
            let token = "t-\(result.messageID.dropLast(2))"
            outcomes[result.reason ?? result.outcome, default: 0] += 1
            switch result.effect {
            case "left": #expect(end.hasLeft.contains(token), "\(result.messageID) says left")
            case "not_left": #expect(!end.hasLeft.contains(token), "\(result.messageID) says not left")
            default: break
            }
            if let reason = result.reason {
                let known = end.reasons[token, default: []].union(["attempts_exhausted"])
                #expect(known.contains(reason), "\(result.messageID): \(reason) of \(known)")
            }
        }
        print(
            "\(jobs) jobs, \(end.calls) calls and questions, \(end.faults) of them answered with a fault, "
                + "\(end.needless) needless; \(outcomes.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" })"
        )
        #expect(end.needless * 100 < end.calls)
        #expect(end.unasked == 0)
        #expect(harness.broker.waiting == 0)
        await harness.end()
    }
}
