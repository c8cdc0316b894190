import AMQP
import Clocks
import Jobs
import Messages
import Secrets
import Testing

@Suite struct DeadLetterTests {
    private static let body = Array(#"{"jobId":"j","account":"anna","shareToken":"t"}"#.utf8)

    /// As the worker publishes it and the broker gives it out again.
    private static func published(_ made: DeadLetter) -> DeadLetter {
        let copy = CleanCopy.make(of: made.message.properties)
        var properties = copy.properties
        var table = properties.headers ?? FieldTable()
        made.write(to: &table, droppedHeaders: copy.droppedHeaders)
        properties.headers = table
        return DeadLetter(reading: RandomMessage.message(properties, made.message.body))
    }

    private static func made(_ random: inout RandomMessage, body: IncomingMessage.Body) -> DeadLetter {
        DeadLetter(
            message: random.message(body: body), jobID: JobID("j"), headers: random.jobHeaders(),
            reason: random.element(of: Reason.allCases), detail: random.flag() ? random.text(atMost: 100) : nil,
            attempts: random.count(), httpStatus: random.flag() ? 403 : nil,
            apiStatus: random.flag() ? "PERMISSION_DENIED" : nil, deadAt: random.time())
    }

    @Test("A dead letter is read as it was written")
    func roundTrip() {
        var random = RandomMessage(seed: 2)
        for _ in 0..<2_000 {
            let made = Self.made(&random, body: .complete(Self.body))
            let read = Self.published(made)
            #expect((read.jobID, read.account) == (JobID("j"), AccountID("anna")))
            #expect(read.headers == made.headers)
            #expect((read.reason, read.knownReason?.rawValue) == (made.reason, made.reason))
            #expect(read.detail == made.detail)
            #expect(
                (read.attempts, read.httpStatus, read.apiStatus) == (made.attempts, made.httpStatus, made.apiStatus))
            #expect((read.deadAt, read.isAmbiguous) == (made.deadAt, made.isAmbiguous))
            #expect(read.isRejected == (read.knownReason?.outcome == .rejected))
            #expect(read.isWhole && read.browser == nil)
        }
    }

    @Test("The job's place in the retry ladder ends with it")
    func past() {
        var random = RandomMessage(seed: 3)
        for _ in 0..<100 {
            let headers = Self.made(&random, body: .complete(Self.body)).headers
            #expect(headers.notBefore == nil && headers.turn == nil && headers.moves == 0 && headers.suspect == 0)
            #expect(headers.givenUp == nil && headers.deliveries == 0 && headers.reportedProgress.isEmpty)
        }
    }

    @Test("A dead letter that is laid down anew is the same one, and names who did it")
    func relaid() {
        var random = RandomMessage(seed: 4)
        for _ in 0..<500 {
            let read = Self.published(Self.made(&random, body: .complete(Self.body)))
            let once = DeadLetter(reading: RandomMessage.message(read.relaid(by: "a"), read.message.body))
            let again = DeadLetter(reading: RandomMessage.message(once.relaid(by: "b"), read.message.body))
            #expect((once.browser, again.browser) == ("a", "b"))
            #expect(again.headers == read.headers && again.reason == read.reason && again.deadAt == read.deadAt)
            #expect(
                once.message.properties.headers?.fields.count == again.message.properties.headers?.fields.count,
                "nothing is added each time")
        }
    }

    @Test("A redrive has the next generation, what is ambiguous, the lane, the deadline, and nothing else of the past")
    func redriven() {
        var random = RandomMessage(seed: 5)
        for _ in 0..<500 {
            let read = Self.published(Self.made(&random, body: .complete(Self.body)))
            let properties = read.redriven(asGeneration: read.generation + 1)
            var expected = JobHeaders()
            expected.generation = read.generation + 1
            expected.isAmbiguous = read.isAmbiguous
            expected.lane = read.headers.lane
            expected.deadline = read.headers.deadline
            #expect(JobHeaders(reading: properties.headers) == expected)
            #expect(properties.deliveryMode == 2 && properties.messageID == read.message.properties.messageID)
            let own = properties.headers?.fields.filter { $0.name.starts(with: "x-leave-album-".utf8) }.count
            #expect(own == 2 + (expected.lane == nil ? 0 : 1) + (expected.deadline == nil ? 0 : 1))
        }
    }

    @Test("What an operator gives is the deadline, else what was given before, else the job's own")
    func deadline() {
        let own = Timestamp(milliseconds: 1_795_435_200_000)
        let body = Array(#"{"jobId":"j","account":"anna","shareToken":"t","deadline":"\#(own.rfc3339)"}"#.utf8)
        func read(_ deadline: NewDeadline?) -> DeadLetter {
            var headers = JobHeaders()
            headers.deadline = deadline
            return Self.published(
                DeadLetter(
                    message: RandomMessage.message(Properties(), .complete(body)), jobID: JobID("j"), headers: headers,
                    reason: .deadlineExceeded, detail: nil, attempts: 0, httpStatus: nil, apiStatus: nil, deadAt: own))
        }
        let later = own + .seconds(60)
        #expect(read(nil).deadline == own)
        #expect(read(.at(later)).deadline == later)
        #expect(read(.lifted).deadline == nil)
        func redriven(_ deadLetter: DeadLetter, _ deadline: NewDeadline?) -> NewDeadline? {
            JobHeaders(reading: deadLetter.redriven(asGeneration: 1, deadline: deadline).headers).deadline
        }
        #expect(redriven(read(nil), nil) == nil)
        #expect(redriven(read(nil), .lifted) == .lifted)
        #expect(redriven(read(.lifted), nil) == .lifted, "what was given lasts")
        #expect(redriven(read(.lifted), .at(later)) == .at(later))
    }

    @Test("Of a body that is not there whole its size and digest are kept")
    func truncated() {
        let message = RandomMessage.message(
            Properties(), .truncated(prefix: Self.body, size: 2_000_000, sha256: SHA256Digest(of: [1])))
        let made = DeadLetter(
            message: message, jobID: nil, headers: JobHeaders(), reason: .bodyTooLarge, detail: nil, attempts: 0,
            httpStatus: nil, apiStatus: nil, deadAt: Timestamp(milliseconds: 1))
        var table = FieldTable()
        made.write(to: &table, droppedHeaders: true)
        #expect(table["x-leave-album-body-size"] == .integer(2_000_000))
        #expect(table["x-leave-album-body-sha256"] == .text(SHA256Digest(of: [1]).hexadecimal))
        #expect(table["x-leave-album-headers-dropped"] == .boolean(true))
        #expect(!made.isWhole && made.account == nil && made.isRejected)
    }

    @Test("A detail is cut to 512 bytes")
    func longDetail() {
        let message = RandomMessage.message(Properties(), .complete(Self.body))
        let made = DeadLetter(
            message: message, jobID: JobID("j"), headers: JobHeaders(), reason: .poison,
            detail: String(repeating: "d", count: 600), attempts: 0, httpStatus: nil, apiStatus: nil,
            deadAt: Timestamp(milliseconds: 1))
        #expect(Self.published(made).detail == String(repeating: "d", count: 512))
    }

    @Test("The job id is the body's, else the message-id; what is no job id is none")
    func jobID() {
        func read(_ body: String, messageID: String?) -> JobID? {
            var properties = Properties()
            properties.messageID = messageID
            return DeadLetter(reading: RandomMessage.message(properties, .complete(Array(body.utf8)))).jobID
        }
        #expect(read(#"{"jobId":"a"}"#, messageID: "b") == JobID("a"))
        #expect(read("{}", messageID: "b") == JobID("b"))
        #expect(read("no JSON", messageID: nil) == nil)
        #expect(read(#"{"jobId":"a b"}"#, messageID: nil) == nil)
    }

    /// A fuzzer's find: one more than the largest integer ended the command, and the worker would not have believed it.
    @Test("A generation that nobody wrote counts as none", arguments: [1_000_000, .max, .min, -1] as [Int64])
    func strangeGeneration(number: Int64) {
        var properties = Properties()
        var table = FieldTable()
        table.append("x-leave-album-generation", .integer(number))
        properties.headers = table
        #expect(DeadLetter(reading: RandomMessage.message(properties, .complete(Self.body))).generation == 0)
    }

    @Test("A reason of a newer worker is shown as it came")
    func newReason() {
        var properties = Properties()
        var table = FieldTable()
        table.append("x-leave-album-reason", .text("eaten_by_the_dog"))
        properties.headers = table
        let read = DeadLetter(reading: RandomMessage.message(properties, .complete(Self.body)))
        #expect(read.reason == "eaten_by_the_dog" && read.knownReason == nil && !read.isRejected)
    }
}
