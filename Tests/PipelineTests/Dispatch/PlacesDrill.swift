import AMQP
import Clocks
import Foundation
import Jobs
import Messages
import PipelineHarness
import Testing

@testable import Pipeline

/// A broker, its delay queues and workers around the dispatch: nothing runs but the rules, on a clock that jumps from
/// event to event, so that what comes out is the same each time.
private struct DrilledDispatch {
    private enum Event {
        case answered(DeliveryTag)
        case expired(Message)
        case published(account: String, jobs: Int)
        case alarm
    }

    struct Message {
        var id: String
        var account: String
        var turn: Timestamp?
        var moves = 0
    }

    static let capacity = 64
    static let concurrency = 8
    static let schedule = RetrySchedule(delays: Harness.Options().delays, maxAttempts: 10)
    private static let intake = Intake(prefix: "p")

    private var dispatch: Dispatch
    private let callTime: Duration
    private var events = TimerQueue<Event>()
    private var queues = PerLane(repeating: FIFO<Message>())
    private var inFlight: [DeliveryTag: (message: Message, lane: Lane)] = [:]
    private var unacked = PerLane(repeating: 0)
    private var number: UInt64 = 0
    private var alarm: MonotonicTime?
    private(set) var now = MonotonicTime(nanoseconds: 0)
    /// How often each job moved.
    private(set) var moves: [String: Int] = [:]
    /// When the last job of each account ended.
    private(set) var ended: [String: Double] = [:]
    private var open = 0

    init(perMinute: Int, callTime: Duration = .milliseconds(50)) {
        dispatch = Dispatch(
            limits: .init(perAccount: 1, requestsPerMinutePerAccount: perMinute, capacity: Self.capacity))
        self.callTime = callTime
    }

    mutating func publish(_ jobs: Int, of account: String, at time: Double = 0) {
        open += jobs
        if time > 0 { return events.schedule(.published(account: account, jobs: jobs), at: at(time)) }
        for _ in 0..<jobs {
            number += 1
            queues[.jobs].append(Message(id: "j\(number)", account: account))
        }
    }

    /// Until nothing is left.
    mutating func run() {
        settle()
        while open > 0, let time = events.earliest, let event = events.popDue(at: time) {
            now = time
            switch event {
            case .answered(let tag): settled(tag, hasEnded: true)
            case .expired(let message): queues[.due].append(message)
            case .published(let account, let jobs):
                open -= jobs
                publish(jobs, of: account)
            case .alarm: alarm = nil
            }
            settle()
        }
        precondition(open == 0, "a job is stuck")
    }

    var seconds: Double { (now - MonotonicTime(nanoseconds: 0)).inSeconds }

    private var wall: Timestamp { Harness.start + (now - MonotonicTime(nanoseconds: 0)) }

    private mutating func settled(_ tag: DeliveryTag, hasEnded: Bool) {
        guard let (message, lane) = inFlight.removeValue(forKey: tag) else { return }
        unacked[lane] -= 1
        dispatch.end(tag, at: now)
        guard hasEnded else { return }
        open -= 1
        ended[message.account] = (now - MonotonicTime(nanoseconds: 0)).inSeconds
    }

    private mutating func settle() {
        repeat {
            deliver()
            dispatch.advance(to: now)
        } while work() > 0
        guard let next = dispatch.nextTimer, alarm.map({ next < $0 }) ?? true else { return }
        alarm = next
        events.schedule(.alarm, at: next)
    }

    private mutating func deliver() {
        for lane in [Lane.due, .jobs] {
            while unacked[lane] < Self.capacity, let message = queues[lane].popFirst() {
                unacked[lane] += 1
                number += 1
                let tag = DeliveryTag(generation: 1, number: number)
                inFlight[tag] = (message, lane)
                let body = #"{"jobId":"\#(message.id)","account":"\#(message.account)","shareToken":"t"}"#
                let incoming = IncomingMessage(
                    tag: tag, queue: QueueNames(prefix: "p").queue(lane), exchange: "", routingKey: "",
                    isRedelivered: false,
                    properties: Properties(), body: .complete(Array(body.utf8)), receivedAt: now)
                var item = Self.intake.take(incoming).item
                item.jobHeaders.turn = message.turn
                dispatch.accept(item, at: now)
            }
        }
    }

    private mutating func work() -> Int {
        var turns = 0
        while let turn = dispatch.next(callLimit: Self.concurrency, at: now) {
            turns += 1
            let tag = turn.item.message.tag
            guard !turn.action.mayCall, let (message, _) = inFlight[tag], let job = turn.item.job else {
                if let job = turn.item.job { dispatch.callBegan(job.account, at: now) }
                events.schedule(.answered(tag), at: now + callTime)
                continue
            }
            // As admission does.
            var copy = message
            let promised = copy.turn.map { now + ($0 - wall) }
            copy.turn = wall + (dispatch.turnAside(job.account, promised: promised, at: now) - now)
            copy.moves += 1
            moves[copy.id] = copy.moves
            let wait = max(.zero, (copy.turn ?? wall) - wall)
            let delay = Self.schedule.queueAside(for: wait, isExact: false) ?? .zero
            events.schedule(.expired(copy), at: now + delay)
            settled(tag, hasEnded: false)
        }
        return turns
    }
}

/// What making room costs those who make it, and what it gives the others.
@Suite struct PlacesDrill {
    private func withOthers(_ drill: inout DrilledDispatch) {
        for number in 0..<300 { drill.publish(1, of: "a\(number % 40)") }
    }

    private func othersTook(_ drill: DrilledDispatch) -> Double {
        drill.ended.filter { $0.key.hasPrefix("a") }.values.max() ?? 0
    }

    @Test func anOrdinaryDayMovesNobody() {
        var drill = DrilledDispatch(perMinute: 0)
        for _ in 0..<10 { withOthers(&drill) }
        drill.run()
        #expect(drill.moves.isEmpty)
    }

    /// A job moves a few times for each halving of its wait and not each time that a delay queue gives it back, others
    /// take no longer, and the flood itself does not stand idle.
    @Test func aFloodOfAnySizeIsNobodysDelayAndEachOfItsJobsMovesAFewTimes() {
        for perMinute in [0, 30] {
            var alone = DrilledDispatch(perMinute: perMinute)
            withOthers(&alone)
            alone.run()
            let least = othersTook(alone)
            for jobs in perMinute == 0 ? [300, 3_000, 12_000] : [300, 3_000] {
                var drill = DrilledDispatch(perMinute: perMinute)
                drill.publish(jobs, of: "flood")
                withOthers(&drill)
                drill.run()
                let others = othersTook(drill)
                let took = drill.ended["flood"] ?? 0
                let most = drill.moves.values.max() ?? 0
                let average = Double(drill.moves.values.reduce(0, +)) / Double(jobs)
                let own = perMinute == 0 ? Double(jobs) * 0.05 : Double(jobs - perMinute) * 61 / 30
                print(
                    "\(perMinute) a minute, \(jobs) jobs: others \(least) → \(others) s; flood \(own) → \(took) s, "
                        + "moved \(average) times each, \(most) at most")
                #expect(others <= least * 1.1)
                #expect(Double(most) <= 3 * log2(took))
                #expect(took <= own * 1.25 + 10)
            }
        }
    }

    /// Whoever comes behind a flood that was there first is not the later for it, nor if there are several.
    @Test func severalFloodsTogetherKeepHalf() {
        for floods in [2, 3, 4] {
            var alone = DrilledDispatch(perMinute: 0)
            withOthers(&alone)
            alone.run()
            var drill = DrilledDispatch(perMinute: 0)
            for number in 0..<3_000 { drill.publish(1, of: "flood\(number % floods)") }
            withOthers(&drill)
            drill.run()
            let (least, others) = (othersTook(alone), othersTook(drill))
            print("\(floods) floods: others \(least) → \(others) s")
            // Each flood has the turns of an account like the others while it has jobs in hand.
            #expect(others <= least * (1 + Double(floods) / 40) * 1.1)
        }
    }

    /// What cannot be known is looked at once: whether all that waits is of one account.
    @Test func anAccountAloneIsNotMovedOnceThatIsKnown() {
        var drill = DrilledDispatch(perMinute: 0)
        drill.publish(63, of: "solo")
        drill.run()
        #expect(drill.moves.isEmpty, "a window that is not full hides nobody")

        drill = DrilledDispatch(perMinute: 0)
        drill.publish(300, of: "solo")
        drill.run()
        let lookUp = drill.moves
        #expect(lookUp.count <= 300 - 32 && lookUp.values.allSatisfy { $0 <= 2 })
        drill.publish(500, of: "solo", at: drill.seconds + 1)
        drill.run()
        #expect(drill.moves == lookUp, "in the minute after the look it is alone")
    }

    /// The price of not moving it: others who come first while it is alone wait until the next look, at most.
    @Test func othersWaitForTheNextLookAtMost() {
        var drill = DrilledDispatch(perMinute: 0)
        drill.publish(300, of: "solo")
        drill.publish(5_000, of: "solo", at: 30)
        drill.publish(1, of: "a1", at: 31)
        drill.run()
        #expect(othersTook(drill) <= 60 + 1)
    }
}
