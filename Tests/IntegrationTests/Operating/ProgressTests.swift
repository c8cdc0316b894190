import AMQP
import Foundation
import JSON
import PrivateBroker
import Testing

extension OperatingOnABroker {
    /// The progress of jobs, as somebody sees it who binds a queue of their own.
    @Suite struct Progress {
        @Test func whoeverBindsAQueueSeesThatAJobIsParkedAndTheResultsStayAsTheyAre() async throws {
            let harness = try await DaemonHarness(settings: "[results]\nprogress = true\ncloudevents = \"rabbitmq\"")
            let queue = "\(harness.prefix).watcher"
            try await harness.session.declare(QueueDeclaration(name: queue))
            try await harness.session.bind(
                queue: queue, to: "\(harness.prefix).results", routingKey: "progress.#")
            try await harness.faults(#"{"token":"album-slow","actions":[{"wording":"aborted"}]}"#)
            try await harness.start()
            try await harness.waitUntilConsuming()
            try await harness.publish(DaemonHarness.body("quick", account: "acc1", token: "album-quick"))
            try await harness.publish(DaemonHarness.body("slow", account: "acc2", token: "album-slow"))
            let seen = try await harness.take("watcher", atLeast: 2)
            #expect(seen.map(\.properties.messageID) == ["slow#0:p1", "slow#0:p2"])
            #expect(seen.map(\.routingKey) == ["progress.retrying", "progress.parked"])
            for message in seen {
                #expect(message.properties.deliveryMode == 1 && message.properties.type == "leave-album.progress.v1")
                #expect(message.properties.headers?["ce-type"] == .text("leave-album.progress.v1"))
                let json = try ReadResult(message).json
                #expect(json["jobId"]?.text == "slow" && json["account"]?.text == "acc2")
            }
            try await harness.clearFaults()
            let results = try await harness.take("results", atLeast: 2).map(ReadResult.init)
            #expect(Set(results.map(\.messageID)) == ["quick#0", "slow#0"], "progress is none of the results")
            #expect(results.allSatisfy { $0.outcome == "left" })
            let sent = #"leave_album_progress_messages_total{result="sent"}"#
            #expect(try await harness.metric(sent) == "2")
            try await harness.session.delete(queue: queue)
            await harness.end()
        }
    }
}
