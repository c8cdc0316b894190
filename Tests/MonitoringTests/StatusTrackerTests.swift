import AMQP
import Clocks
import Jobs
import Monitoring
import Operations
import Testing

@testable import Pipeline

/// What the daemon takes its state to be, by what its links and its pipeline say.
@Suite struct StatusTrackerTests {
    private let tracker = StatusTracker(clock: SystemTimeSource())
    private let error = LinkError(.unreachable, endpoint: "amqp://broker", attempted: "connecting", message: "nobody")

    private var status: DaemonStatus { tracker.status() }

    @Test func whatKeptItFromTheBrokerIsForgottenWhenItConsumes() {
        tracker.connects()
        tracker.consuming(.lost(generation: 0, error))
        #expect(status.state == "connecting")
        #expect(status.problem == "amqp://broker: nobody")
        tracker.publishing(.connected(endpoint: "amqp://broker"))
        #expect(status.problem == "amqp://broker: nobody")
        tracker.consuming(.consuming(generation: 1, queues: ["jobs"]))
        #expect(status.state == "consuming")
        #expect(status.problem == nil)
    }

    @Test func itIsForgottenDuringAHoldThatConsumesNothing() {
        tracker.publishing(.connected(endpoint: "amqp://broker"))
        tracker.consuming(.consuming(generation: 1, queues: ["jobs"]))
        let hold = Hold(cause: .apiUnavailable, since: Timestamp(milliseconds: 0), detail: "HTTP 503")
        tracker.take(.holdsChanged(.init(holds: [hold], lifted: [])))
        tracker.consuming(.lost(generation: 1, error))
        tracker.publishing(.lost(error))
        #expect(status.problem == "amqp://broker: nobody")
        tracker.consuming(.consuming(generation: 2, queues: []))
        #expect(status.state == "hold:api_unavailable")
        #expect(status.problem == "amqp://broker: nobody", "nothing can be published yet")
        tracker.publishing(.connected(endpoint: "amqp://broker"))
        #expect(status.state == "hold:api_unavailable")
        #expect(status.problem == nil)
    }
}
