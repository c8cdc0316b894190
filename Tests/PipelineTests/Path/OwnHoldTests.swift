import Clocks
import Jobs
import Photos
import PipelineHarness
import Testing

@testable import Pipeline

/// One answer is enough for some holds; what if it is always the same job's?
@Suite(.timeLimit(.minutes(30))) struct OwnHoldTests {
    @Test func aJobThatAloneRaisesAHoldIsParkedOnceItIsKnownForIt() async throws {
        let minutes = 240
        try await harness {
            $0.token == "t-bad" ? .tlsTrustFailure(detail: "unknown CA") : .ok
        } _: { harness in
            harness.submit("first", account: "zoe")
            await harness.advance { harness.resultCount == 1 }
            harness.submit("bad", account: "bert")
            for minute in 0..<minutes {
                harness.submit("good\(minute)", account: "a\(minute % 3)")
                await harness.pass(.seconds(60))
            }
            let calls = harness.photos.calls.count { $0.token == "t-bad" }
            #expect(calls > 2 && calls < minutes, "\(calls) calls of the job that nobody else fares like")
            #expect(harness.resultCount == minutes + 1, "the others are done")
            #expect(harness.pipeline.snapshot.holds.isEmpty)
        }
    }
}
