import Clocks
import HTTP
import Jobs
import Secrets
import Testing

@testable import Photos

@Suite("The API over HTTP")
struct HTTPPhotosTests {
    /// Nobody listens there, so that whatever tried to connect would be answered otherwise.
    private static let nobody = "http://127.0.0.1:1"

    private static func answer(
        _ request: (HTTPPhotos, ShareToken, Secret) async -> Answer
    ) async throws -> Answer {
        let engine = try HTTPEngine(HTTPConfiguration())
        defer { engine.stop() }
        let token = ShareToken(Secret(copying: Array(Wording.shareToken.utf8)))
        let bearer = Secret(copying: Array(Wording.bearer.utf8))
        return await request(HTTPPhotos(engine: engine, baseURL: nobody), token, bearer)
    }

    private static func isTooLate(_ answer: Answer) -> Bool {
        if case .tooLate = answer { true } else { false }
    }

    private static func isNotSent(_ answer: Answer) -> Bool {
        if case .notSent = answer { true } else { false }
    }

    @Test("From the end of its send window on, neither the call nor the album query is sent")
    func sendWindow() async throws {
        let end = SystemTimeSource().now()
        let call = try await Self.answer {
            await $0.leave($1, bearer: $2, trace: TraceContext(), beginsBefore: end)
        }
        #expect(Self.isTooLate(call), "\(call)")
        let query = try await Self.answer {
            await $0.album($1, bearer: $2, trace: TraceContext(), beginsBefore: end)
        }
        #expect(Self.isTooLate(query), "\(query)")
    }

    @Test("Before it, they are tried")
    func beforeItsEnd() async throws {
        let call = try await Self.answer {
            await $0.leave($1, bearer: $2, trace: TraceContext(), beginsBefore: .distantFuture)
        }
        #expect(Self.isNotSent(call), "\(call)")
        let query = try await Self.answer {
            await $0.album($1, bearer: $2, trace: TraceContext(), beginsBefore: .distantFuture)
        }
        #expect(Self.isNotSent(query), "\(query)")
    }

    @Test("A warm-up says why there is no connection")
    func warmUp() async throws {
        let engine = try HTTPEngine(HTTPConfiguration())
        defer { engine.stop() }
        let reason = await HTTPPhotos(engine: engine, baseURL: Self.nobody).warmUp()
        #expect(reason?.contains("127.0.0.1 port 1") == true, "\(reason ?? "there is one")")
    }
}
