import Clocks
import JSON
import Secrets

@testable import Jobs

/// A message is a job that says the same when it is written anew, or it has a reason and a clean result.
///
/// Input: a line each for content-type, content-encoding and message-id, then the body. An empty line is an absent
/// property.
enum JobProperty {
    /// Only tokens that begin so are looked for in details: others may be words of any sentence.
    static let markOfToken = Array("s3cr3t-".utf8)
    /// Whoever echoes less of a token does not give it away.
    static let shortestPiece = 12

    static func reports(_ bytes: [UInt8]) -> [String] {
        var input = FuzzInput(bytes)
        func property() -> String? {
            let line = input.line()
            return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
        }
        let (type, encoding, id) = (property(), property(), property())
        let body = input.rest()
        var reports = Findings()
        let decoded = JobDecoder.decode(body: body, contentType: type, contentEncoding: encoding, messageID: id)
        switch decoded {
        case .success(let job): check(job, &reports)
        case .failure(let rejection):
            check(rejection, token: token(in: body), &reports)
            let again = JobDecoder.decode(body: body, contentType: type, contentEncoding: encoding, messageID: id)
            if case .failure(let second) = again {
                reports.expect(second == rejection, "the same message is rejected in two ways")
            } else {
                reports.expect(false, "the same message is rejected and taken")
            }
        }
        checkEvent(body, &reports)
        switch CancelDecoder.decode(body: body, contentType: type, contentEncoding: encoding) {
        case .success(let id): reports.expect(JobID(checking: id.utf8) == id, "a cancelled job id breaks its rule")
        case .failure(let rejection): check(rejection, token: nil, &reports)
        }
        return reports.sentences
    }

    private static func checkEvent(_ body: [UInt8], _ reports: inout Findings) {
        func decode() -> Result<Job, Rejection> {
            EventDecoder.decode(
                body: body, contentType: "application/cloudevents+json", contentEncoding: nil, types: ["leave"])
        }
        switch (decode(), decode()) {
        case (.success(let job), .success):
            reports.expect(JobID(checking: job.id.utf8) == job.id, "the job id of an event breaks its rule")
            let kept = job.event.flatMap { EventContext(decoding: $0.encoded()) }
            reports.expect(kept == job.event && job.event != nil, "a ledger keeps another event")
        case (.failure(let first), .failure(let second)):
            reports.expect(first == second, "the same event is rejected in two ways")
            check(first, token: nil, &reports)
        case (.success, .failure), (.failure, .success):
            reports.expect(false, "the same event is rejected and taken")
        }
    }

    private static func check(_ job: Job, _ reports: inout Findings) {
        reports.expect(JobID(checking: job.id.utf8) == job.id, "a job id breaks its rule")
        reports.expect(AccountID(checking: job.account.utf8) == job.account, "an account breaks its rule")
        reports.expect((1...2048).contains(job.shareToken.secret.count), "a share token breaks its rule")
        reports.expect(job.metadata.count <= 16, "too much metadata")
        reports.expect(
            job.metadata.reduce(0) { $0 + $1.key.count + $1.value.count } <= 2048, "metadata are too large")
        reports.expect(Set(job.metadata.map(\.key)).count == job.metadata.count, "metadata name a key twice")
        let written = body(of: job)
        // The body of the largest job may be larger when it is escaped otherwise.
        guard written.count <= 65_536 else { return }
        switch JobDecoder.decode(body: written, contentType: nil, contentEncoding: nil, messageID: nil) {
        case .success(let second):
            reports.expect(
                second.id == job.id && second.account == job.account && second.shareToken == job.shareToken
                    && second.requestedAt == job.requestedAt && second.deadline == printable(job.deadline)
                    && Set(second.metadata) == Set(job.metadata), "a job written anew is another")
        case .failure(let rejection):
            reports.expect(false, "a job written anew is rejected: \(rejection.reason) \(rejection.detail)")
        }
        checkResult(of: job, &reports)
    }

    /// Times outside of the years 0 to 9999, which an offset can reach, print as the nearest inside.
    private static func printable(_ time: Timestamp?) -> Timestamp? {
        time.flatMap { Timestamp(rfc3339: $0.rfc3339) }
    }

    private static func body(of job: Job) -> [UInt8] {
        var members: [JSONValue.Member] = [
            .init("version", .integer(1)), .init("jobId", .string(job.id.utf8)),
            .init("account", .string(job.account.utf8)),
            .init("shareToken", .string(job.shareToken.secret.withUnsafeBytes { Array($0) })),
        ]
        if let requestedAt = job.requestedAt { members.append(.init("requestedAt", .text(requestedAt))) }
        if let deadline = job.deadline { members.append(.init("deadline", .text(deadline.rfc3339))) }
        if !job.metadata.isEmpty {
            members.append(.init("metadata", .object(job.metadata.map { .init($0.key, .string($0.value)) })))
        }
        return JSONValue.object(members).encoded()
    }

    private static func checkResult(of job: Job, _ reports: inout Findings) {
        let now = Timestamp(milliseconds: 0)
        var subject = ResultSubject(
            jobID: job.id, account: job.account, generation: 0, attempts: 1, firstSeen: now, isAmbiguous: false,
            hasCalled: true)
        (subject.requestedAt, subject.metadata) = (job.requestedAt, job.metadata)
        let result = JobResult(.left, of: subject, at: now)
        let bytes = result.encoded()
        let read = try? JobResult.decode(bytes)
        reports.expect(read?.encoded() == bytes, "a result that was read and written has other bytes")
        reports.expect(
            read?.jobID == job.id && read?.account == job.account && read?.requestedAt == job.requestedAt
                && Set(read?.metadata ?? []) == Set(job.metadata), "a result does not echo its job")
    }

    private static func check(_ rejection: Rejection, token: [UInt8]?, _ reports: inout Findings) {
        reports.expect(rejection.reason.outcome == .rejected, "a message is rejected for \(rejection.reason)")
        let secrets = token.map { [Array($0.prefix(shortestPiece))] } ?? []
        reports.expectClean(rejection.detail, hiding: secrets, "a rejection's detail")
        if let id = rejection.jobID { reports.expect(JobID(checking: id.utf8) == id, "a rejected id breaks its rule") }
        if let account = rejection.account {
            reports.expect(AccountID(checking: account.utf8) == account, "a rejected account breaks its rule")
        }
        let bytes = JobResult(rejecting: rejection).encoded()
        reports.expect((try? JobResult.decode(bytes))?.encoded() == bytes, "a rejection's result cannot be read")
    }

    /// A token of some length that is there to be looked for.
    private static func token(in body: [UInt8]) -> [UInt8]? {
        guard let token = JSONMembers(body, naming: ["shareToken"])["shareToken"]?.utf8,
            token.starts(with: markOfToken),
            token.count >= shortestPiece
        else { return nil }
        return token
    }
}
