import AMQP
import Jobs
import Secrets
import Testing
import Threads

@testable import Pipeline

func at(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(seconds * 1e9)) }

@Suite struct TurnTests {
    @Test func lanesTakeTurnsByWeightAndNoneStarves() {
        var turns = LaneTurns()
        let taken = (0..<900).compactMap { _ in turns.next { $0 != .broken } }
        let counts = Dictionary(grouping: taken, by: \.self).mapValues(\.count)
        #expect(counts == [.due: 400, .jobs: 400, .bulk: 100])
        // Never more than a round without bulk.
        var longest = 0
        var run = 0
        for lane in taken {
            run = lane == .bulk ? 0 : run + 1
            longest = max(longest, run)
        }
        #expect(longest <= 9)
    }

    @Test func aLaneAloneHasEveryTurn() {
        var turns = LaneTurns()
        #expect((0..<5).compactMap { _ in turns.next { $0 == .bulk } } == Array(repeating: .bulk, count: 5))
        #expect(turns.next { _ in false } == nil)
    }

    @Test func timersComeInOrder() {
        var queue = TimerQueue<Int>()
        for number in (0..<100).shuffled() { queue.schedule(number, at: at(Double(number))) }
        #expect(queue.earliest == at(0))
        var out: [Int] = []
        while let event = queue.popDue(at: at(49.5)) { out.append(event) }
        #expect(out == Array(0..<50))
        #expect(queue.count == 50)
    }

    @Test func firstInIsFirstOutAndWhatComesBackIsFirst() {
        var queue = FIFO<Int>()
        for number in 0..<100 { queue.append(number) }
        #expect((0..<60).compactMap { _ in queue.popFirst() } == Array(0..<60))
        queue.prepend(7)
        #expect(queue.popFirst() == 7)
        #expect(queue.removeAll { $0 % 2 == 0 } == Array(stride(from: 60, to: 100, by: 2)))
        #expect(queue.count == 20 && queue.first == 61 && queue.last == 99)
    }
}

@Suite struct GateTests {
    private let wall = Timestamp(milliseconds: 1_000_000)

    @Test func itStartsWithOneCallAndDoublesWithEachSuccess() {
        var gate = Gate(concurrency: 32)
        var limits = [gate.limit(at: at(0))]
        for _ in 0..<6 {
            _ = gate.callSucceeded(wasProbe: false)
            limits.append(gate.limit(at: at(1)))
        }
        #expect(limits == [1, 2, 4, 8, 16, 32, 32])
    }

    @Test func silenceBeginsWithOneAgain() {
        var gate = Gate(concurrency: 8)
        for _ in 0..<4 { _ = gate.callSucceeded(wasProbe: false) }
        gate.callBegan(at: at(0))
        #expect(gate.limit(at: at(600)) == 8)
        #expect(gate.limit(at: at(601)) == 1)
    }

    @Test func throttlingHalvesAndComesBackSlowly() {
        var gate = Gate(concurrency: 32)
        for _ in 0..<6 { _ = gate.callSucceeded(wasProbe: false) }
        gate.throttle()
        #expect(gate.limit(at: at(0)) == 16)
        for _ in 0..<16 { _ = gate.callSucceeded(wasProbe: false) }
        #expect(gate.limit(at: at(0)) == 17)
    }

    @Test func aHoldLetsOneProbeThroughAfterFiveMinutesAndDoublesToAnHour() {
        var gate = Gate(concurrency: 8)
        var now = at(0)
        #expect(gate.engage(.apiRetired, detail: "", wasProbe: false, at: now, wall: wall, random: 0) == .began)
        #expect(gate.limit(at: now) == 0)
        var waits: [Double] = []
        for _ in 0..<6 {
            let probe = gate.nextProbe ?? now
            waits.append((probe - now).inSeconds)
            #expect(gate.beginProbe(at: at((probe - at(0)).inSeconds - 1)) == false)
            now = probe
            #expect(gate.beginProbe(at: now) == true)
            #expect(gate.limit(at: now) == 1)
            let again = gate.engage(.apiRetired, detail: "", wasProbe: true, at: now, wall: wall, random: 0)
            #expect(again == .probeRefused)
        }
        #expect(waits == [300, 600, 1200, 2400, 3600, 3600])
        now = gate.nextProbe ?? now
        _ = gate.beginProbe(at: now)
        #expect(gate.callSucceeded(wasProbe: true).map(\.cause) == [.apiRetired])
        #expect(gate.limit(at: now) == 1, "slow start after it")
    }

    @Test func refusalsInFlightDoNotPutTheProbeOff() {
        var gate = Gate(concurrency: 8)
        _ = gate.engage(.apiRetired, detail: "", wasProbe: false, at: at(0), wall: wall, random: 0)
        let probe = gate.nextProbe
        let again = gate.engage(.apiRetired, detail: "", wasProbe: false, at: at(1), wall: wall, random: 0)
        #expect(again == .alreadyThere)
        #expect(gate.nextProbe == probe)
    }

    @Test func aHoldThatAnEventEndsIsNotProbed() {
        var gate = Gate(concurrency: 8)
        _ = gate.engage(.brokerBlocked, detail: "", wasProbe: false, at: at(0), wall: wall)
        #expect(gate.nextProbe == nil)
        #expect(gate.keepsDeliveries(at: at(0)), "what cannot be published is not handed back")
        #expect(gate.lift(.brokerBlocked)?.cause == .brokerBlocked)
        #expect(gate.lift(.brokerBlocked) == nil)
        #expect(gate.limit(at: at(0)) == 1)
    }

    @Test func aShortHoldKeepsItsDeliveriesAndALongOneDoesNot() {
        var gate = Gate(concurrency: 8)
        _ = gate.engage(.rateLimited, detail: "", wasProbe: false, at: at(0), wall: wall, random: 0)
        #expect(gate.keepsDeliveries(at: at(0)))
        _ = gate.engage(.apiRetired, detail: "", wasProbe: false, at: at(0), wall: wall, random: 0)
        #expect(!gate.keepsDeliveries(at: at(0)))
    }

    @Test func fiveRefusedConnectionsInARowMakeAHold() {
        var gate = Gate(concurrency: 8)
        #expect((0..<4).allSatisfy { _ in gate.networkFailed() == false })
        gate.callAnswered()
        #expect((0..<5).map { _ in gate.networkFailed() } == [false, false, false, false, true])
    }
}

@Suite struct CopyTests {
    @Test func aStampSurvivesItsHeaders() {
        var stamp = Stamp()
        stamp.copy = 3
        stamp.attempts = 2
        stamp.isAmbiguous = true
        stamp.generation = 1
        stamp.notBefore = Timestamp(milliseconds: 5)
        stamp.suspect = 2
        stamp.lane = .bulk
        stamp.firstSeen = Timestamp(milliseconds: 4)
        var headers = FieldTable()
        stamp.write(to: &headers)
        #expect(Stamp(reading: headers) == stamp)
        #expect(headers.fields.allSatisfy { $0.name.starts(with: "x-leave-album-".utf8) })
    }

    @Test func junkInOwnHeadersCountsAsAbsent() {
        var headers = FieldTable()
        headers.append("x-leave-album-attempt", .text("7"))
        headers.append("x-leave-album-generation", .integer(-1))
        headers.append("x-leave-album-lane", .text("fast"))
        headers.append("x-leave-album-ambiguous", .integer(1))
        #expect(Stamp(reading: headers) == Stamp())
    }

    @Test func aCopyKeepsWhatMayTravelAndNothingElse() {
        var source = Properties()
        source.contentType = "application/json"
        source.contentEncoding = "utf-8"
        source.messageID = "m"
        source.correlationID = "c"
        source.type = "t"
        source.timestamp = 7
        source.appID = "a"
        source.replyTo = "r"
        source.deliveryMode = 1
        source.userID = "someone"
        source.expiration = "1"
        source.priority = 9
        source.clusterID = "x"
        var headers = FieldTable()
        headers.append("traceparent", .text("00-1-2-01"))
        for name in [
            "x-death", "x-first-death-queue", "x-last-death-reason", "x-delivery-count", "x-acquired-count", "CC",
            "BCC",
            "x-leave-album-attempt",
        ] {
            headers.append(name, .integer(1))
        }
        source.headers = headers
        let made = CleanCopy.make(of: source)
        var expected = Properties()
        expected.contentType = "application/json"
        expected.contentEncoding = "utf-8"
        expected.messageID = "m"
        expected.correlationID = "c"
        expected.type = "t"
        expected.timestamp = 7
        expected.appID = "a"
        expected.replyTo = "r"
        expected.deliveryMode = 2
        var kept = FieldTable()
        kept.append("traceparent", .text("00-1-2-01"))
        expected.headers = kept
        #expect(made.properties == expected)
        #expect(!made.droppedHeaders)
    }

    @Test func headersOverFourKiBAreDroppedAndThatIsSaid() {
        var source = Properties()
        var headers = FieldTable()
        headers.append("h", .string([UInt8](repeating: 1, count: 4_100)))
        source.headers = headers
        let made = CleanCopy.make(of: source)
        #expect(made.droppedHeaders && made.properties.headers == FieldTable())
    }

    @Test func theLadderTakesTheDelayOfTheAttemptAndTheLongestThatFits() {
        let schedule = RetrySchedule(delays: [.seconds(5), .seconds(30), .seconds(120)], maxAttempts: 10)
        #expect(schedule.waitInHand(tries: 1, atLeast: .zero, random: 0) == .seconds(1))
        #expect(schedule.waitInHand(tries: 2, atLeast: .zero) == nil)
        #expect(schedule.waitInHand(tries: 1, atLeast: .seconds(61)) == nil)
        let levels = [2, 4, 6, 8].map { schedule.parkingTime(attempts: $0, atLeast: .zero, random: 0) }
        #expect(levels == [.seconds(5), .seconds(30), .seconds(120), .seconds(120)])
        #expect(schedule.parkingTime(attempts: 2, atLeast: .seconds(77), random: 0) == .seconds(77))
        #expect(schedule.queue(for: .seconds(4)) == nil)
        #expect(schedule.queue(for: .seconds(119)) == .seconds(30))
        #expect(schedule.queue(for: .seconds(9_999)) == .seconds(120))
        #expect(RetrySchedule.queueName(.seconds(120), prefix: "p") == "p.retry.120s")
    }
}

@Suite struct IntakeTests {
    private let intake = Intake(prefix: "p")

    private func message(
        _ queue: String,
        body: IncomingMessage.Body = .complete(Array(#"{"jobId":"a","account":"b","shareToken":"c"}"#.utf8)),
        _ headers: [(String, FieldValue)] = []
    ) -> IncomingMessage {
        var properties = Properties()
        var table = FieldTable()
        for (name, value) in headers { table.append(name, value) }
        properties.headers = table
        return IncomingMessage(
            tag: DeliveryTag(generation: 1, number: 1), queue: "p.\(queue)", exchange: "", routingKey: "",
            isRedelivered: false, properties: properties, body: body, receivedAt: at(0))
    }

    private func isSuspicious(_ taken: Intake.Taken) -> Bool {
        if case .suspicious = taken.item.content { true } else { false }
    }

    @Test func whatCameBackTenTimesIsSetApartBeforeAnyoneLooksInside() {
        let junk = IncomingMessage.Body.complete([0xff])
        #expect(!isSuspicious(intake.take(message("jobs", body: junk, [("x-delivery-count", .integer(9))]))))
        #expect(isSuspicious(intake.take(message("jobs", body: junk, [("x-delivery-count", .integer(10))]))))
        let suspect: (String, FieldValue) = ("x-leave-album-suspect", .integer(1))
        #expect(!isSuspicious(intake.take(message("due", [suspect, ("x-delivery-count", .integer(1))]))))
        #expect(isSuspicious(intake.take(message("due", [suspect, ("x-delivery-count", .integer(2))]))))
        let last: (String, FieldValue) = ("x-leave-album-suspect", .integer(3))
        #expect(
            !isSuspicious(intake.take(message("due", [last, ("x-delivery-count", .integer(5))]))), "it is judged now")
    }

    @Test(arguments: ["jobs", "bulk"])
    func ownHeadersAreNotBelievedWherePublishersCanWriteThem(queue: String) {
        let taken = intake.take(message(queue, [("x-leave-album-generation", .integer(3))]))
        #expect(taken.hasForgedHeaders)
        #expect(taken.item.stamp == Stamp())
    }

    @Test(arguments: ["due", "broken"])
    func theyAreBelievedOnTheWorkersOwnQueues(queue: String) {
        let taken = intake.take(message(queue, [("x-leave-album-generation", .integer(3))]))
        #expect(!taken.hasForgedHeaders)
        #expect(taken.item.stamp.generation == 3)
    }

    @Test func aBodyThatIsTooLargeIsSaidToBeSo() {
        let body = IncomingMessage.Body.truncated(prefix: [1], size: 9_999_999, sha256: SHA256Digest(of: [1]))
        guard case .rejected(let rejection) = intake.take(message("jobs", body: body)).item.content else {
            Issue.record("not rejected")
            return
        }
        #expect(rejection.reason == .bodyTooLarge)
    }

    @Test func theNewestDeathSaysWhyTheBrokerGaveUp() {
        func reason(_ word: String) -> Reason {
            var death = FieldTable()
            death.append("reason", .text(word))
            var headers = FieldTable()
            headers.append("x-death", .array([.table(death)]))
            return Intake.deathReason(headers)
        }
        #expect(reason("expired") == .expired)
        #expect(reason("delivery_limit") == .poison)
        #expect(Intake.deathReason(nil) == .poison)
    }
}

@Suite struct HoldLogTests {
    private func time(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

    @Test func timeOnHoldIsCountedOnce() {
        let log = HoldLog()
        log.remember([time(0)..<time(10), time(5)..<time(20), time(30)..<time(40)])
        #expect(log.held(from: time(0), to: time(100)) == .seconds(30))
        #expect(log.held(from: time(15), to: time(35)) == .seconds(10))
        log.changed(isHolding: true, at: time(50))
        log.changed(isHolding: true, at: time(55))
        #expect(log.held(from: time(45), to: time(60)) == .seconds(10), "it lasts")
        log.changed(isHolding: false, at: time(70))
        #expect(log.held(from: time(45), to: time(100)) == .seconds(20))
    }
}
