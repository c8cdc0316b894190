import Jobs
import Ledger
import PipelineDouble
import Testing

@testable import Pipeline

/// The hold of a ledger that cannot answer: its words are those of now.
@Suite struct LedgerHoldTests {
    @Test func whatTheHoldWaitsForIsSaidAnewWhenThatChanges() async throws {
        try await site { _ in
            .ok
        } _: { site in
            func words() -> [String] { site.pipeline.snapshot.holds.map(\.detail) }
            site.pipeline.ledgerHealth(.unavailable(.unavailable("it is being saved")))
            let since = site.pipeline.snapshot.holds.first?.since
            site.pipeline.ledgerHealth(.unavailable(.unavailable("it is saved as a file")))
            #expect(words() == ["it is saved as a file"])
            #expect(site.pipeline.snapshot.holds.first?.since == since)
            #expect(site.pipeline.resume(.ledgerUnavailable) == .mustEndByItself)
            site.submit("a")
            site.pipeline.ledgerHealth(.available)
            await site.advance { site.results.count == 1 }
            #expect(words() == [])
            let told = site.events.compactMap { event -> [String]? in
                guard case .holdsChanged(let change) = event else { return nil }
                return change.holds.map(\.detail)
            }
            #expect(told == [["it is being saved"], ["it is saved as a file"], []])
        }
    }
}
