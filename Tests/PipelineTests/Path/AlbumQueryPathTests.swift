import AMQP
import Clocks
import JSON
import Jobs
import Messages
import Photos
import PipelineHarness
import Testing

@testable import Pipeline

/// The question about the album is not the call: what it is answered is not told as what the call was answered, and it
/// keeps nobody from calling.
@Suite struct AlbumQueryPathTests {
    private static let refused = Answer.error(404, "NOT_FOUND", "Requested entity was not found.")
    private static let denied = Answer.error(403, "PERMISSION_DENIED", "The caller does not have permission")
    private static let badToken = Answer.error(401, "UNAUTHENTICATED", "Request had invalid credentials.")

    private func unsure(_ properties: inout Properties) {
        properties.headers = FieldTable()
        properties.headers?.append(JobHeaders.Name.ambiguous, .boolean(true))
    }

    @Test(
        arguments: [
            (Answer.album(joined: false), "already_left", nil), (.album(joined: true), "failed", "leave_refused"),
            (.album(owned: true, joined: true), "failed", "album_owner"),
        ] as [(Answer, String, String?)])
    func aResultHasTheCallsStatusWhateverTheAlbumSaid(album: Answer, outcome: String, reason: String?) async throws {
        try await harness(albums: { _ in album }) { _ in
            Self.refused
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount > 0 }
            let result = try #require(harness.results.first)
            #expect((result.outcome, result.reason) == (outcome, reason))
            #expect(result.json["httpStatus"]?.integer == 404 && result.json["apiStatus"]?.text == "NOT_FOUND")
        }
    }

    @Test func anAlbumQueryThatIsRefusedExplainsNothingAndIsNotReportedAsTheCall() async throws {
        try await harness(albums: { $0.token == "t-a" ? Self.denied : .album(joined: true) }) { call in
            call.token == "t-a" ? Self.refused : .ok
        } _: { harness in
            harness.submit("good", account: "bob")
            await harness.advance { harness.resultCount == 1 }
            harness.submit("a")
            await harness.advance { harness.resultCount == 2 }
            let result = try #require(harness.results.last)
            #expect(result.reason == "permission_denied")
            #expect(result.json["httpStatus"]?.integer == 404 && result.json["apiStatus"]?.text == "NOT_FOUND")
            let detail = result.json["detail"]?.text ?? ""
            #expect(detail.hasPrefix("HTTP 404 NOT_FOUND: ") && detail.contains("; asking the album: HTTP 403 "))
        }
    }

    @Test func whereOnlyTheAlbumWasAskedThereIsNoStatus() async throws {
        try await harness(albums: { _ in .album(joined: false) }) { _ in
            .ok
        } _: { harness in
            harness.submit("a", lane: "due", unsure)
            await harness.advance { harness.resultCount > 0 }
            let result = try #require(harness.results.first)
            #expect(result.outcome == "already_left" && harness.photos.calls.isEmpty)
            #expect(result.json["httpStatus"] == nil && result.json["apiStatus"] == nil)
            let asked = harness.events.compactMap { event in
                if case .called(let call) = event { call.httpStatus } else { nil }
            }
            #expect(asked == [200], "the log and the metrics tell what the question was answered")
        }
    }

    @Test(arguments: [
        Answer.error(404, "NOT_FOUND"), .answered(status: 404, fields: [], body: Array("<html>".utf8)), .redirect,
        denied,
        .answered(status: 403, fields: [], body: Array("<html>".utf8)), .error(405, "UNIMPLEMENTED"),
        .answered(status: 410, fields: [], body: []),
    ])
    func anAlbumQueryThatIsRefusedBeforeACallKeepsNobodyFromCalling(album: Answer) async throws {
        try await harness(albums: { _ in album }) { _ in
            .ok
        } _: { harness in
            harness.submit("a", lane: "due", unsure)
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["left"])
            #expect(harness.photos.albumQueries.count == 1 && harness.photos.calls.count == 1)
            #expect(harness.pipeline.snapshot.holds.isEmpty && harness.results.first?.attempts == 0)
        }
    }

    /// Whether there is another token than the one that was refused, or not.
    @Test(arguments: [false, true])
    func aTokenThatMayNotAskMayCall(hasOneToken: Bool) async throws {
        var options = Harness.Options()
        options.hasOneToken = hasOneToken
        try await harness(options, albums: { _ in Self.badToken }) { _ in
            .ok
        } _: { harness in
            harness.submit("a", lane: "due", unsure)
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["left"])
            #expect(harness.photos.calls.count == 1)
        }
    }

    @Test func aJobStaysAmbiguousWhenItsAlbumQueryWasRefused() async throws {
        try await harness(albums: { _ in Self.denied }) { call in
            call.token == "t-a" ? Self.refused : .ok
        } _: { harness in
            harness.submit("good", account: "bob")
            await harness.advance { harness.resultCount == 1 }
            harness.submit("a", lane: "due", unsure)
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.last?.reason == "outcome_unknown" && harness.results.last?.effect == "unknown")
            #expect(harness.results.last?.json["httpStatus"]?.integer == 404)
        }
    }
}
