import Clocks
import Jobs
import Photos
import Secrets

/// What is made of bytes, and bytes of it.
extension Piece {
    static let body =
        Array(
            #"{"jobId":"0f8fad5b-d9cb-469f-a165-70867728950e","account":"user-4711@example.com","#.utf8
        ) + Array(#""shareToken":"AbCdEfGhIjKlMnOpQrStUvWxYz0123456789","metadata":{"ticket":"4711"}}"#.utf8)

    static let jobDecoding = Piece(name: "jobDecoding") { count in
        var total = 0
        for _ in 0..<count {
            if case .success(let job) = JobDecoder.decode(
                body: body, contentType: "application/json", contentEncoding: nil, messageID: nil)
            {
                total += job.metadata.count
            }
        }
        return total
    }

    static let resultEncoding = Piece(name: "resultEncoding") { count in
        guard
            case .success(let job) = JobDecoder.decode(
                body: body, contentType: nil, contentEncoding: nil, messageID: nil)
        else { return 0 }
        let began = Timestamp(milliseconds: 1_770_000_000_000)
        var subject = ResultSubject(
            jobID: job.id, account: job.account, generation: 0, attempts: 1, firstSeen: began, isAmbiguous: false,
            hasCalled: true)
        (subject.requestedAt, subject.metadata, subject.httpStatus) = (job.requestedAt, job.metadata, 200)
        var total = 0
        for number in 0..<count {
            let result = JobResult(.left, of: subject, at: began + .milliseconds(number))
            total += result.encoded().count
        }
        return total
    }

    static let successVerdict = Piece(name: "successVerdict") { count in
        let fields = [
            (name: "Server", value: "ESF"), (name: "Date", value: "Tue, 24 Nov 2026 21:00:00 GMT"),
            (name: "Content-Type", value: "application/json; charset=UTF-8"), (name: "Content-Length", value: "2"),
            (name: "Cache-Control", value: "private"), (name: "Vary", value: "Origin"),
        ]
        let answer = Answer.answered(status: 200, fields: fields, body: Array("{}".utf8))
        let shareToken = Secret(copying: Array("share-token".utf8))
        let bearer = Secret(copying: Array("access-token".utf8))
        var total = 0
        for number in 0..<count {
            let context = VerdictContext(
                isAmbiguous: false, now: Timestamp(milliseconds: Int64(number)), shareToken: shareToken,
                bearer: bearer, account: Array("user-4711@example.com".utf8))
            if case .left = VerdictTable.verdict(for: answer, context: context).action { total += 1 }
        }
        return total
    }
}
