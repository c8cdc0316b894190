import Jobs
import Ledger
import PipelineHarness
import Testing

@testable import Pipeline

/// The hold of a ledger that cannot answer: its words are those of now.
@Suite struct LedgerHoldTests {
    @Test func whatTheHoldWaitsForIsSaidAnewWhenThatChanges() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            func message() -> [String] { harness.pipeline.snapshot.holds.map(\.detail) }
            harness.pipeline.ledgerHealth(.unavailable(.unavailable("it is being saved")))
            let since = harness.pipeline.snapshot.holds.first?.since
            harness.pipeline.ledgerHealth(.unavailable(.unavailable("it is saved as a file")))
            #expect(message() == ["it is saved as a file"])
            #expect(harness.pipeline.snapshot.holds.first?.since == since)
            #expect(harness.pipeline.resume(.ledgerUnavailable) == .mustEndByItself)
            harness.submit("a")
            harness.pipeline.ledgerHealth(.available)
            await harness.advance { harness.resultCount == 1 }
            #expect(message() == [])
            let reported = harness.events.compactMap { event -> [String]? in
                guard case .holdsChanged(let change) = event else { return nil }
                return change.holds.map(\.detail)
            }
            #expect(reported == [["it is being saved"], ["it is saved as a file"], []])
        }
    }
}
