import AMQP
import JSON
import Jobs
import Messages
import Photos
import PipelineDouble
import Testing
import Threads

@testable import Pipeline

/// The question about the album is not the call: what it is answered is not told as what the call was answered, and it
/// keeps nobody from calling.
@Suite struct QuestionPathTests {
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
    func aResultTellsTheCallsStatusWhateverTheAlbumSaid(album: Answer, outcome: String, reason: String?) async throws {
        try await site(albums: { _ in album }) { _ in
            Self.refused
        } _: { site in
            site.submit("a")
            await site.advance { !site.results.isEmpty }
            let result = try #require(site.results.first)
            #expect((result.outcome, result.reason) == (outcome, reason))
            #expect(result.json["httpStatus"]?.integer == 404 && result.json["apiStatus"]?.text == "NOT_FOUND")
        }
    }

    @Test func aQuestionThatIsRefusedExplainsNothingAndIsNotToldAsTheCall() async throws {
        try await site(albums: { $0.token == "t-a" ? Self.denied : .album(joined: true) }) { call in
            call.token == "t-a" ? Self.refused : .ok
        } _: { site in
            site.submit("good", account: "bob")
            await site.advance { site.results.count == 1 }
            site.submit("a")
            await site.advance { site.results.count == 2 }
            let result = try #require(site.results.last)
            #expect(result.reason == "permission_denied")
            #expect(result.json["httpStatus"]?.integer == 404 && result.json["apiStatus"]?.text == "NOT_FOUND")
            let detail = result.json["detail"]?.text ?? ""
            #expect(detail.hasPrefix("HTTP 404 NOT_FOUND: ") && detail.contains("; asking the album: HTTP 403 "))
        }
    }

    @Test func whereOnlyAQuestionWasAskedThereIsNoStatus() async throws {
        try await site(albums: { _ in .album(joined: false) }) { _ in
            .ok
        } _: { site in
            site.submit("a", lane: "due", unsure)
            await site.advance { !site.results.isEmpty }
            let result = try #require(site.results.first)
            #expect(result.outcome == "already_left" && site.photos.calls.isEmpty)
            #expect(result.json["httpStatus"] == nil && result.json["apiStatus"] == nil)
            let asked = site.events.compactMap { event in
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
    func aQuestionThatIsRefusedBeforeACallKeepsNobodyFromCalling(album: Answer) async throws {
        try await site(albums: { _ in album }) { _ in
            .ok
        } _: { site in
            site.submit("a", lane: "due", unsure)
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.outcome) == ["left"])
            #expect(site.photos.probes.count == 1 && site.photos.calls.count == 1)
            #expect(site.pipeline.snapshot.holds.isEmpty && site.results.first?.attempts == 0)
        }
    }

    /// Whether there is another token than the one that was refused, or not.
    @Test(arguments: [false, true])
    func aTokenThatMayNotAskMayCall(hasOneToken: Bool) async throws {
        var options = Site.Options()
        options.hasOneToken = hasOneToken
        try await site(options, albums: { _ in Self.badToken }) { _ in
            .ok
        } _: { site in
            site.submit("a", lane: "due", unsure)
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.outcome) == ["left"])
            #expect(site.photos.calls.count == 1)
        }
    }

    @Test func aJobStaysUnsureWhenItsQuestionWasRefused() async throws {
        try await site(albums: { _ in Self.denied }) { call in
            call.token == "t-a" ? Self.refused : .ok
        } _: { site in
            site.submit("good", account: "bob")
            await site.advance { site.results.count == 1 }
            site.submit("a", lane: "due", unsure)
            await site.advance { site.results.count == 2 }
            #expect(site.results.last?.reason == "outcome_unknown" && site.results.last?.effect == "unknown")
            #expect(site.results.last?.json["httpStatus"]?.integer == 404)
        }
    }
}
