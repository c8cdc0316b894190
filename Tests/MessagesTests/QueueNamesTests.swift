import Messages
import Testing

@Suite struct QueueNamesTests {
    private let names = QueueNames(prefix: "leave.album")

    @Test("The names are those that publishers, consumers and the broker's definitions are configured with")
    func namesOfTheContract() {
        #expect(
            [names.jobsExchange, names.deadLetterExchange, names.resultsExchange]
                == ["leave.album.jobs", "leave.album.dead", "leave.album.results"])
        #expect(
            Lane.allCases.map(names.queue)
                == ["due", "jobs", "bulk", "broken", "cancel"].map { "leave.album.\($0)" })
        #expect(names.deadLetters == "leave.album.dead" && names.results == "leave.album.results")
        #expect(names.worker == "leave.album.worker" && names.follower("x") == "leave.album.tail.x")
        #expect(names.retry(.seconds(5)) == "leave.album.retry.5s")
        #expect(names.retry(.seconds(21_600)) == "leave.album.retry.21600s")
        #expect(RoutingKey.leave == "leave" && RoutingKey.leaveBulk == "leave.bulk" && RoutingKey.cancel == "cancel")
    }

    @Test("A queue's lane is read from its name", arguments: Lane.allCases)
    func laneOfItsQueue(lane: Lane) {
        #expect(names.lane(of: names.queue(lane)) == lane)
        #expect(QueueNames(prefix: "leave").lane(of: names.queue(lane)) == nil, "it is a queue of another prefix")
    }

    @Test(
        "A queue of another name has no lane",
        arguments: [
            "", "leave.album", "leave.album.", "leave.albumjobs", "leave.album.job", "leave.album.jobs.",
            "other.jobs", "leave.album.dead", "leave.album.retry.5s", "jobs",
        ])
    func noLane(queue: String) {
        #expect(names.lane(of: queue) == nil)
    }

    @Test("What lies in results, dead letters and cancels is no job without a result")
    func backlog() {
        let queues =
            Lane.allCases.map(names.queue) + [names.retry(.seconds(30)), names.deadLetters, names.results]
        #expect(
            queues.filter(names.isBacklog)
                == ["due", "jobs", "bulk", "broken", "retry.30s"].map { "leave.album.\($0)" })
    }

    @Test("A delay queue of earlier settings is one too")
    func retryQueues() {
        #expect(names.isRetry("leave.album.retry.77s"))
        #expect(!names.isRetry("leave.album.results") && !names.isRetry("other.retry.5s"))
    }
}
